// Merging with a heap over a linked list of symbols, so that a word of 100 kB is no trouble.
#include "tokenizer/byte_pair.h"

#include <queue>
#include <tuple>

#include "unclip/error.h"

namespace unclip {
namespace {

constexpr std::string_view kEndOfWord = "</w>";

bool is_printable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
}

// symbols[byte] = the code point that stands for it.
std::array<char32_t, 256> make_symbols() {
  std::array<char32_t, 256> symbols{};
  char32_t next = 256;
  for (int byte = 0; byte < 256; ++byte)
    symbols[byte] = is_printable(byte) ? static_cast<char32_t>(byte) : next++;
  return symbols;
}

const std::array<char32_t, 256> kSymbols = make_symbols();

std::string spelled(char32_t symbol) {  // always below U+0800
  if (symbol < 0x80) return {static_cast<char>(symbol)};
  return {static_cast<char>(0xC0 | symbol >> 6), static_cast<char>(0x80 | (symbol & 0x3F))};
}

struct Symbol {
  int64_t id;
  int previous, next;  // -1 at the ends
  bool alive = true;
};

}  // namespace

int byte_of_symbol(char32_t symbol) {
  for (int byte = 0; byte < 256; ++byte)
    if (kSymbols[byte] == symbol) return byte;
  return -1;
}

BytePair::BytePair(const Vocabulary& vocabulary, const std::vector<MergeRule>& rules,
                   const std::string& unknown, const std::string& file) {
  const auto unknown_id = vocabulary.find(unknown);
  const auto id_of = [&](const std::string& piece) {
    const auto id = vocabulary.find(piece);
    if (!id && !unknown_id)
      throw Error(ExitCode::model, file + ": no entry for \"" + piece +
                                       "\", and none for the unknown token \"" + unknown + "\"");
    return id.value_or(unknown_id.value_or(-1));
  };
  for (int byte = 0; byte < 256; ++byte) {
    inner_[byte] = id_of(spelled(kSymbols[byte]));
    last_[byte] = id_of(spelled(kSymbols[byte]) + std::string(kEndOfWord));
  }
  for (std::size_t rank = 0; rank < rules.size(); ++rank) {
    const MergeRule& rule = rules[rank];
    const auto part = [&](const std::string& piece) {
      if (const auto id = vocabulary.find(piece)) return *id;
      throw Error(ExitCode::model,
                  rule.origin + ": the merge of \"" + rule.left + "\" and \"" + rule.right +
                      "\" needs the piece \"" + piece + "\", which is not in the vocabulary",
                  "use both files from the same model");
    };
    const int64_t left = part(rule.left), right = part(rule.right);
    merges_.insert_or_assign({left, right}, Merge{rank, part(rule.left + rule.right)});
  }
}

void BytePair::encode(std::string_view word, std::vector<int64_t>& ids) const {
  const int count = static_cast<int>(word.size());
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  for (int i = 0; i < count; ++i) {
    const auto byte = static_cast<unsigned char>(word[i]);
    const bool last = i + 1 == count;
    symbols.push_back({last ? last_[byte] : inner_[byte], i - 1, last ? -1 : i + 1});
  }
  // (rank, position of the left symbol, id of the merged one): the best rank first, then the leftmost.
  using Candidate = std::tuple<std::size_t, int, int64_t>;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> heap;
  const auto find_merge = [&](int left) {
    return merges_.find({symbols[left].id, symbols[symbols[left].next].id});
  };
  const auto propose = [&](int left) {
    if (left < 0 || symbols[left].next < 0) return;
    if (const auto it = find_merge(left); it != merges_.end())
      heap.emplace(it->second.rank, left, it->second.id);
  };
  for (int i = 0; i + 1 < count; ++i) propose(i);
  while (!heap.empty()) {
    const auto [rank, left, id] = heap.top();
    heap.pop();
    if (!symbols[left].alive || symbols[left].next < 0) continue;
    // A candidate may be stale: its symbols may have merged with others since.
    if (const auto it = find_merge(left); it == merges_.end() || it->second.id != id) continue;
    const int right = symbols[left].next;
    symbols[left].id = id;
    symbols[left].next = symbols[right].next;
    symbols[right].alive = false;
    if (symbols[left].next >= 0) symbols[symbols[left].next].previous = left;
    propose(symbols[left].previous);
    propose(left);
  }
  for (const Symbol& symbol : symbols)
    if (symbol.alive) ids.push_back(symbol.id);
}

}  // namespace unclip
