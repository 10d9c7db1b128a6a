// Finds phrases in a row of words: an Aho-Corasick automaton whose letters are words, so that time grows with
// the text alone, however many phrases there are and however long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace unclip {

class Phrases {
 public:
  // `line`: where the phrase stands. All phrases come before the first find().
  void add(const std::vector<std::string>& words, std::size_t line);
  void finish();

  // The lowest line of a phrase whose words stand in `words`, one after the other.
  std::optional<std::size_t> find(const std::vector<std::string>& words) const;

 private:
  using State = std::uint32_t;
  static constexpr std::size_t kNoLine = SIZE_MAX;

  struct Node {
    State fallback = 0;          // the longest end of this state's words that also begins a phrase
    std::size_t line = kNoLine;  // of the phrases that end here
  };

  static std::uint64_t edge(State from, std::uint32_t word) { return std::uint64_t{from} << 32 | word; }
  State next(State from, std::uint32_t word) const;

  std::unordered_map<std::string, std::uint32_t> words_;
  std::unordered_map<std::uint64_t, State> edges_;
  std::vector<Node> nodes_{1};
  std::vector<std::size_t> depths_{0};  // of the nodes: words from the start
};

}  // namespace unclip
