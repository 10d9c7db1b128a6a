// A PCRE2 expression on UTF-8 with Unicode classes. Used to cut a text into words.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

struct pcre2_real_code_8;

namespace unclip {

class Regex {
 public:
  explicit Regex(std::string_view pattern);  // the pattern is ours, so it must compile

  // All matches from left to right; what lies between them is dropped. `text` must be valid UTF-8.
  std::vector<std::string_view> matches(std::string_view text) const;

 private:
  std::unique_ptr<pcre2_real_code_8, void (*)(pcre2_real_code_8*)> code_;
};

}  // namespace unclip
