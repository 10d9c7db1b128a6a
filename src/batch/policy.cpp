// The deny file: phrases in a hash table, looked up for every run of a prompt's words; then the expressions.
#include "unclip/batch/policy.h"

#include <spdlog/fmt/fmt.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <fstream>

#include "unclip/support/error.h"
#include "unclip/support/utf8.h"

namespace unclip {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr const char* kBlank = " \t\v\f\r";
constexpr int32_t kLongestMatch = 1000;  // in ICU's steps, "on the order of milliseconds"

void check(UErrorCode status) {
  if (U_FAILURE(status))
    throw Error(ExitCode::io, std::string("the Unicode library ICU failed: ") + u_errorName(status),
                "check that ICU's data files are installed");
}

icu::UnicodeString from_utf8(std::string_view text) {
  return icu::UnicodeString::fromUTF8({text.data(), static_cast<int32_t>(text.size())});
}

icu::UnicodeString folded(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(status);
  check(status);
  icu::UnicodeString out = normalizer->normalize(from_utf8(text), status);
  check(status);
  return out;
}

// Letters, digits and the marks on them; what stands between them only separates words.
bool belongs_to_a_word(UChar32 c) { return u_isalnum(c) || (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0; }

std::vector<std::string> words_of(const icu::UnicodeString& text) {
  std::vector<std::string> words;
  bool open = false;  // does the next letter go on with the last word?
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    const UChar32 c = text.char32At(at);
    if (!belongs_to_a_word(c)) {
      open = false;
      continue;
    }
    UErrorCode status = U_ZERO_ERROR;
    const bool alone = u_isalpha(c) && uscript_breaksBetweenLetters(uscript_getScript(c, &status));
    if (!open || alone) words.emplace_back();
    icu::UnicodeString(c).toUTF8String(words.back());
    open = !alone;
  }
  return words;
}

}  // namespace

PromptPolicy::PromptPolicy(const std::filesystem::path& file) : name_(file.string()) {
  std::ifstream in(file, std::ios::binary);
  if (!in || is_directory(file))
    throw Error(ExitCode::io, name_ + ": missing or unreadable", "check the path of --deny-file");
  std::string faults;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    if (++number == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    const std::size_t begin = line.find_first_not_of(kBlank);
    if (begin == std::string::npos || line[begin] == '#') continue;
    const auto fault = add_rule(number, line.substr(begin, line.find_last_not_of(kBlank) + 1 - begin));
    if (fault)
      faults += fmt::format("{}{}:{}:{}: {}", faults.empty() ? "" : "\n", name_, number,
                            begin + fault->column, fault->what);
  }
  if (in.bad()) throw Error(ExitCode::io, name_ + ": could not be read to its end");
  if (!faults.empty()) throw Error(ExitCode::usage, faults, "correct the lines; nothing was done yet");
}

std::optional<PromptPolicy::Fault> PromptPolicy::add_rule(std::size_t line, const std::string& rule) {
  if (const auto at = find_invalid_utf8(rule))
    return Fault{utf8_column(rule, *at), "invalid UTF-8; expected the file to be saved as UTF-8"};
  if (rule.starts_with('/')) return add_expression(line, rule);
  const std::vector<std::string> words = words_of(folded(rule));
  if (words.empty()) return Fault{1, "no word in it; expected a word, or an expression such as /[!?]{3}/"};
  longest_phrase_ = std::max(longest_phrase_, words.size());
  phrases_.emplace(fmt::format("{}", fmt::join(words, " ")), line);
  return std::nullopt;
}

std::optional<PromptPolicy::Fault> PromptPolicy::add_expression(std::size_t line, const std::string& rule) {
  if (rule.size() < 3 || !rule.ends_with('/'))
    return Fault{1, "expected an expression between two /, such as /gun(s|fire)?/"};
  UErrorCode status = U_ZERO_ERROR;
  UParseError place;
  const icu::UnicodeString text = from_utf8(std::string_view(rule).substr(1, rule.size() - 2));
  std::unique_ptr<icu::RegexPattern> pattern(
      icu::RegexPattern::compile(text, UREGEX_CASE_INSENSITIVE | UREGEX_UWORD, place, status));
  if (U_FAILURE(status))
    return Fault{static_cast<std::size_t>(std::max(place.offset, 0)) + 2,
                 fmt::format("no valid regular expression ({}); expected one of ICU's", u_errorName(status))};
  expressions_.push_back({line, std::move(pattern)});
  return std::nullopt;
}

std::optional<std::string> PromptPolicy::refused_by(std::string_view prompt) const {
  const auto rule = [this](std::size_t line) { return fmt::format("{}:{}", name_, line); };
  const icu::UnicodeString text = folded(prompt);
  const std::vector<std::string> words = words_of(text);
  for (std::size_t begin = 0; begin < words.size(); ++begin) {
    std::string phrase;
    for (std::size_t end = begin; end < std::min(words.size(), begin + longest_phrase_); ++end) {
      phrase += (end == begin ? "" : " ") + words[end];
      if (const auto found = phrases_.find(phrase); found != phrases_.end()) return rule(found->second);
    }
  }
  for (const Expression& expression : expressions_) {
    UErrorCode status = U_ZERO_ERROR;
    const std::unique_ptr<icu::RegexMatcher> matcher(expression.pattern->matcher(text, status));
    matcher->setTimeLimit(kLongestMatch, status);
    if (matcher->find(status) || U_FAILURE(status)) return rule(expression.line);
  }
  return std::nullopt;
}

}  // namespace unclip
