// Walks the trie of the darts-clone library, whose layout is fixed by the model files in the field.
#include "tokenizer/charsmap.h"

#include <cstring>

#include "tokenizer/unicode.h"
#include "unclip/error.h"

namespace unclip {
namespace {

// A unit of the double array: label in bits 0–7 and 31, leaf flag in bit 8, offset to the children in 9–30.
uint32_t label(uint32_t unit) { return unit & (1u << 31 | 0xFFu); }
bool has_leaf(uint32_t unit) { return unit >> 8 & 1u; }
uint32_t offset(uint32_t unit) { return unit >> 10 << ((unit & 1u << 9) >> 6); }
uint32_t value(uint32_t unit) { return unit & ~(1u << 31); }

constexpr std::size_t kLookedUpWhole = 6;  // graphemes below this many bytes

}  // namespace

Charsmap::Charsmap(std::string_view blob, const std::string& file) {
  if (blob.empty()) return;
  uint32_t trie_size = 0;  // bytes; the file is little-endian, as is every machine that libtorch runs on
  if (blob.size() > sizeof trie_size) std::memcpy(&trie_size, blob.data(), sizeof trie_size);
  if (trie_size == 0 || trie_size % sizeof(uint32_t) != 0 || trie_size > blob.size() - sizeof trie_size)
    throw Error(ExitCode::model, file + ": normalizer_spec.precompiled_charsmap is damaged",
                "download the file again");
  units_.resize(trie_size / sizeof(uint32_t));
  std::memcpy(units_.data(), blob.data() + sizeof trie_size, trie_size);
  replacements_ = blob.substr(sizeof trie_size + trie_size);
}

std::optional<std::string_view> Charsmap::replacement(std::string_view chunk) const {
  if (units_.empty()) return std::nullopt;
  std::size_t at = offset(units_[0]);
  for (const char c : chunk) {
    const auto byte = static_cast<unsigned char>(c);
    at ^= byte;
    if (byte == 0 || at >= units_.size() || label(units_[at]) != byte) return std::nullopt;
    const uint32_t unit = units_[at];
    at ^= offset(unit);
    if (!has_leaf(unit)) continue;
    const std::size_t start = at < units_.size() ? value(units_[at]) : replacements_.size();
    if (start >= replacements_.size()) return std::nullopt;
    const std::string_view rest = std::string_view(replacements_).substr(start);
    return rest.substr(0, rest.find('\0'));
  }
  return std::nullopt;
}

std::string Charsmap::apply(std::string_view text) const {
  std::string out;
  for_each_grapheme(text, [&](std::string_view grapheme) {
    if (grapheme.size() < kLookedUpWhole)
      if (const auto found = replacement(grapheme)) {
        out += *found;
        return;
      }
    while (!grapheme.empty()) {
      const std::string_view letter = grapheme.substr(0, code_point_length(grapheme));
      out += replacement(letter).value_or(letter);
      grapheme.remove_prefix(letter.size());
    }
  });
  return out;
}

}  // namespace unclip
