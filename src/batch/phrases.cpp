// The automaton (Aho and Corasick 1975, "Efficient string matching").
#include "batch/phrases.h"

#include <algorithm>

namespace unclip {

void Phrases::add(const std::vector<std::string>& words, std::size_t line) {
  State state = 0;
  for (const std::string& text : words) {
    const auto word = words_.try_emplace(text, static_cast<std::uint32_t>(words_.size())).first->second;
    const auto [found, is_new] = edges_.try_emplace(edge(state, word), static_cast<State>(nodes_.size()));
    if (is_new) {
      nodes_.emplace_back();
      depths_.push_back(depths_[state] + 1);
    }
    state = found->second;
  }
  nodes_[state].line = std::min(nodes_[state].line, line);
}

// Breadth first: a fallback is shorter than what falls back to it.
void Phrases::finish() {
  std::vector<std::pair<std::uint64_t, State>> edges(edges_.begin(), edges_.end());
  std::ranges::sort(edges, {}, [this](const auto& e) { return depths_[e.second]; });
  for (const auto& [key, state] : edges) {
    const auto from = static_cast<State>(key >> 32);
    Node& node = nodes_[state];
    if (from != 0) node.fallback = next(nodes_[from].fallback, static_cast<std::uint32_t>(key));
    node.line = std::min(node.line, nodes_[node.fallback].line);
  }
}

Phrases::State Phrases::next(State from, std::uint32_t word) const {
  while (true) {
    if (const auto found = edges_.find(edge(from, word)); found != edges_.end()) return found->second;
    if (from == 0) return 0;
    from = nodes_[from].fallback;
  }
}

std::optional<std::size_t> Phrases::find(const std::vector<std::string>& words) const {
  State state = 0;
  std::size_t line = kNoLine;
  for (const std::string& text : words) {
    const auto word = words_.find(text);
    state = word == words_.end() ? 0 : next(state, word->second);
    line = std::min(line, nodes_[state].line);
  }
  return line == kNoLine ? std::nullopt : std::optional(line);
}

}  // namespace unclip
