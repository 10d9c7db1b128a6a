// Byte-level byte-pair encoding with an end-of-word mark, as CLIP has it: a word's bytes become symbols, and
// the best-ranked pair of neighbors merges until none is left (Sennrich et al. 2016; bytes after GPT-2).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace unclip {

struct MergeRule {
  std::string left, right;
  std::string origin;  // "FILE:LINE" or "FILE: key", for errors
};

// The byte that a code point of a piece stands for, or -1. Printable bytes stand for themselves, the others
// lie at U+0100 and up.
int byte_of_symbol(char32_t symbol);

class BytePair {
 public:
  // `unknown` stands for bytes without an entry. Throws Error(model) where a rule does not fit the
  // vocabulary, and where an entry is missing and `unknown` is too; `file` is what that error names.
  BytePair(const Vocabulary& vocabulary, const std::vector<MergeRule>& rules, const std::string& unknown,
           const std::string& file);

  // Appends the ids of one word (bytes, not empty); O(n log n) in its length.
  void encode(std::string_view word, std::vector<int64_t>& ids) const;

 private:
  struct Merge {
    std::size_t rank;
    int64_t id;
  };
  struct PairHash {
    std::size_t operator()(const std::pair<int64_t, int64_t>& pair) const {
      return std::hash<uint64_t>{}(static_cast<uint64_t>(pair.first) * 0x9E3779B97F4A7C15u ^
                                   static_cast<uint64_t>(pair.second));
    }
  };

  std::array<int64_t, 256> inner_;  // ids of a byte inside a word
  std::array<int64_t, 256> last_;   // ids of a byte that ends a word
  std::unordered_map<std::pair<int64_t, int64_t>, Merge, PairHash> merges_;
};

}  // namespace unclip
