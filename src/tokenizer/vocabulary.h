// The two-way table between pieces and ids. Part of every tokenizer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace unclip {

struct StringHash {
  using is_transparent = void;  // look up by string_view without a copy
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

class Vocabulary {
 public:
  // False when the piece or the id is taken.
  bool insert(const std::string& piece, int64_t id) {
    if (pieces_.contains(id) || !ids_.emplace(piece, id).second) return false;
    pieces_.emplace(id, piece);
    largest_id_ = std::max(largest_id_, id);
    return true;
  }

  std::optional<int64_t> find(std::string_view piece) const {
    const auto it = ids_.find(piece);
    return it == ids_.end() ? std::nullopt : std::optional(it->second);
  }

  const std::string& piece(int64_t id) const { return pieces_.at(id); }
  int64_t size() const { return static_cast<int64_t>(ids_.size()); }
  int64_t largest_id() const { return largest_id_; }  // −1 in an empty one

 private:
  std::unordered_map<std::string, int64_t, StringHash, std::equal_to<>> ids_;
  std::unordered_map<int64_t, std::string> pieces_;
  int64_t largest_id_ = -1;
};

}  // namespace unclip
