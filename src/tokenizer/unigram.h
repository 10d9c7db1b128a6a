// The unigram language model (Kudo 2018): the segmentation whose pieces have the highest total log
// probability. Sums are double, as in the reference: the SentencePiece library adds floats, which settles
// ties such as "aa" + "a" against "a" + "aa" in long runs another way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace unclip {

struct ScoredPiece {
  std::string piece;
  double score;  // log probability
};

class Unigram {
 public:
  // `pieces` in the order of their ids.
  Unigram(const std::vector<ScoredPiece>& pieces, int64_t unknown);

  // Appends the ids of one word; neighboring unknown letters give one unknown id.
  void encode(std::string_view word, std::vector<int64_t>& ids) const;

 private:
  struct Entry {
    int64_t id;
    double score;
  };
  std::unordered_map<std::string, Entry, StringHash, std::equal_to<>> entries_;
  std::size_t longest_ = 1;  // bytes of the longest piece
  int64_t unknown_;
  double unknown_score_;
};

}  // namespace unclip
