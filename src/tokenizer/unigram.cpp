// Viterbi search over the letters of a word.
#include "tokenizer/unigram.h"

#include <algorithm>
#include <limits>

#include "tokenizer/unicode.h"

namespace unclip {

constexpr double kUnknownPenalty = 10;  // below the least probable piece

Unigram::Unigram(const std::vector<ScoredPiece>& pieces, int64_t unknown) : unknown_(unknown) {
  double lowest = std::numeric_limits<double>::infinity();
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    const auto& [piece, score] = pieces[id];
    entries_.insert_or_assign(piece, Entry{static_cast<int64_t>(id), score});
    longest_ = std::max(longest_, piece.size());
    lowest = std::min(lowest, score);
  }
  unknown_score_ = lowest - kUnknownPenalty;
}

void Unigram::encode(std::string_view word, std::vector<int64_t>& ids) const {
  struct Node {
    double score = 0;
    std::size_t start = std::string_view::npos;  // of the best piece that ends here
    int64_t id = -1;
  };
  std::vector<Node> ends(word.size() + 1);
  const auto offer = [&](std::size_t start, std::size_t end, int64_t id, double score) {
    const double total = ends[start].score + score;
    if (ends[end].start == std::string_view::npos || total > ends[end].score) ends[end] = {total, start, id};
  };
  for (std::size_t start = 0; start < word.size();) {
    const std::size_t letter = code_point_length(word.substr(start));
    bool letter_known = false;
    for (std::size_t end = start + letter; end <= word.size() && end - start <= std::max(longest_, letter);) {
      const auto it = entries_.find(word.substr(start, end - start));
      if (it != entries_.end()) offer(start, end, it->second.id, it->second.score);
      letter_known |= it != entries_.end() && end == start + letter;
      if (end == word.size()) break;
      end += code_point_length(word.substr(end));
    }
    if (!letter_known) offer(start, start + letter, unknown_, unknown_score_);
    start += letter;
  }
  const auto first = static_cast<std::ptrdiff_t>(ids.size());
  for (std::size_t end = word.size(); end > 0; end = ends[end].start) {
    const bool joins = ends[end].id == unknown_ && std::ssize(ids) > first && ids.back() == unknown_;
    if (!joins) ids.push_back(ends[end].id);
  }
  std::reverse(ids.begin() + first, ids.end());
}

}  // namespace unclip
