// The text normalizer compiled into a SentencePiece model: a double-array trie from strings to replacements.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unclip {

class Charsmap {
 public:
  // `blob`: the model's normalizer_spec.precompiled_charsmap; empty means "leave the text alone".
  // Throws Error(model) that names `file` when it is damaged.
  Charsmap(std::string_view blob, const std::string& file);

  // As the reference does it: a grapheme of fewer than six bytes is looked up whole, else letter by letter,
  // and the *shortest* match replaces all of it. SentencePiece itself takes the longest match in the running
  // text.
  std::string apply(std::string_view text) const;

 private:
  std::optional<std::string_view> replacement(std::string_view chunk) const;

  std::vector<uint32_t> units_;
  std::string replacements_;  // each ends with a zero byte
};

}  // namespace unclip
