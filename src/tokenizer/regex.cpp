// PCRE2, the 8-bit library.
#include "tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <string>

#include "unclip/error.h"

namespace unclip {

Regex::Regex(std::string_view pattern) : code_(nullptr, pcre2_code_free_8) {
  int error = 0;
  PCRE2_SIZE at = 0;
  code_.reset(pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(pattern.data()), pattern.size(),
                              PCRE2_UTF | PCRE2_UCP, &error, &at, nullptr));
  if (!code_) throw Error(ExitCode::model, "PCRE2 rejects the regular expression " + std::string(pattern));
}

std::vector<std::string_view> Regex::matches(std::string_view text) const {
  const std::unique_ptr<pcre2_match_data_8, void (*)(pcre2_match_data_8*)> match(
      pcre2_match_data_create_from_pattern_8(code_.get(), nullptr), pcre2_match_data_free_8);
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer_8(match.get());
  std::vector<std::string_view> found;
  for (std::size_t at = 0; at < text.size(); at = bounds[1]) {
    const int count = pcre2_match_8(code_.get(), reinterpret_cast<PCRE2_SPTR8>(text.data()), text.size(), at,
                                    PCRE2_NO_UTF_CHECK, match.get(), nullptr);
    if (count == PCRE2_ERROR_NOMATCH) break;
    if (count < 0)
      throw Error(ExitCode::usage, "the text is too long to split into words", "shorten the text");
    found.push_back(text.substr(bounds[0], bounds[1] - bounds[0]));
  }
  return found;
}

}  // namespace unclip
