// Tokens that are found in the text as a whole, before the model cuts the rest: <|endoftext|>, <mask>, …
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace unclip {

struct AddedToken {
  std::string content;
  bool lstrip = false;      // swallows the white space before it
  bool rstrip = false;      // swallows the white space after it
  bool normalized = false;  // looked for in the normalized text, not in the raw one
  bool operator==(const AddedToken&) const = default;
};

class AddedTokens {
 public:
  enum class Stage { raw, normalized };
  struct Part {
    std::string_view text;
    std::optional<int64_t> id;  // set where the part is an added token
  };

  // `pattern` is what is searched for: the content, normalized for tokens of the normalized stage.
  void add(const AddedToken& token, std::string pattern, int64_t id);

  // Cuts `text` at the tokens of one stage: the leftmost match first, the longest of those.
  std::vector<Part> split(std::string_view text, Stage stage) const;

 private:
  struct Entry {
    std::string pattern;
    AddedToken token;
    int64_t id;
  };
  const Entry* longest_at(std::string_view text, Stage stage) const;

  std::vector<Entry> entries_;
};

}  // namespace unclip
