// The deny file: every rule and every prompt is read as a model and as a person would, and compared in all
// readings.
#include "batch/policy.h"

#include <spdlog/fmt/fmt.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/uspoof.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "options/model_use.h"
#include "options/option_table.h"
#include "support/text_file.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr int32_t kLongestMatch = 1000;  // in ICU's steps, "on the order of milliseconds"

void check(UErrorCode status) {
  if (U_FAILURE(status))
    throw Error(ExitCode::io, std::string("the Unicode library ICU failed: ") + u_errorName(status),
                "check that ICU's data files are installed");
}

icu::UnicodeString from_utf8(std::string_view text) {
  return icu::UnicodeString::fromUTF8({text.data(), static_cast<int32_t>(text.size())});
}

icu::UnicodeString folded(const icu::UnicodeString& text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFKCCasefoldInstance(status);
  check(status);
  icu::UnicodeString out = normalizer->normalize(text, status);
  check(status);
  return out;
}

// What tokenizers drop, or read as a space: controls, formats, what is unassigned or private, and the
// invisible ones.
bool is_ignorable(UChar32 c) {
  constexpr uint32_t kDropped = U_GC_C_MASK & ~U_GC_CC_MASK;
  const bool control = u_charType(c) == U_CONTROL_CHAR && !u_isUWhiteSpace(c);
  return control || (U_GET_GC_MASK(c) & kDropped) != 0 || c == 0xFFFD ||
         u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

icu::UnicodeString with_ignorable_as(const icu::UnicodeString& instead, const icu::UnicodeString& text) {
  icu::UnicodeString out;
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    const UChar32 c = text.char32At(at);
    is_ignorable(c) ? out.append(instead) : out.append(c);
  }
  return out;
}

// Letters that look alike become one (UTS 39), but for two that stay what they are, in the shape of private
// letters, of which no text has any left: m, whose skeleton rn would make "modern" of "modem", and the
// capital I, which would be l.
icu::UnicodeString skeleton(icu::UnicodeString text) {
  static const std::unique_ptr<USpoofChecker, void (*)(USpoofChecker*)> checker = [] {
    UErrorCode status = U_ZERO_ERROR;
    USpoofChecker* opened = uspoof_open(&status);
    check(status);
    return std::unique_ptr<USpoofChecker, void (*)(USpoofChecker*)>(opened, uspoof_close);
  }();
  constexpr std::pair<const char16_t*, const char16_t*> kKept[] = {
      {u"m", u"\uE000"}, {u"I", u"\uE001"}, {u"\u0399", u"\uE001"}, {u"\u0406", u"\uE001"}};
  for (const auto& [letter, instead] : kKept) text.findAndReplace(letter, instead);
  UErrorCode status = U_ZERO_ERROR;
  icu::UnicodeString out;
  uspoof_getSkeletonUnicodeString(checker.get(), 0, text, out, &status);
  check(status);
  for (const auto& [letter, instead] : kKept) out.findAndReplace(instead, letter);
  return folded(out);
}

// All that a text may be read as. Capitals look like other letters than their small ones.
std::vector<icu::UnicodeString> readings(std::string_view text) {
  std::vector<icu::UnicodeString> all;
  for (const char16_t* instead : {u"", u" "}) {
    const icu::UnicodeString bare = with_ignorable_as(instead, from_utf8(text)), plain = folded(bare);
    for (const icu::UnicodeString& reading : {plain, skeleton(plain), skeleton(bare)})
      if (std::ranges::find(all, reading) == all.end()) all.push_back(reading);
  }
  return all;
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
  std::ifstream in = open_text_file(file, ExitCode::io, "check the path of --deny-file");
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
  phrases_.finish();
  if (in.bad()) throw Error(ExitCode::io, name_ + ": could not be read completely");
  if (!faults.empty())
    throw Error(ExitCode::usage, faults, "fix these lines; nothing has been generated yet");
}

std::optional<PromptPolicy::Fault> PromptPolicy::add_rule(std::size_t line, const std::string& rule) {
  if (const auto at = find_invalid_utf8(rule))
    return Fault{utf8_column(rule, *at), "invalid UTF-8; expected the file to be saved as UTF-8"};
  if (rule.starts_with('/')) return add_expression(line, rule);
  for (const icu::UnicodeString& reading : readings(rule)) {
    const std::vector<std::string> words = words_of(reading);
    if (words.empty()) return Fault{1, "no words; expected a word, or an expression such as /[!?]{3}/"};
    phrases_.add(words, line);
  }
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
                 fmt::format("invalid regular expression ({}); expected ICU syntax", u_errorName(status))};
  expressions_.push_back({line, std::move(pattern)});
  return std::nullopt;
}

std::optional<std::string> PromptPolicy::refused_by(const ImageOptions& job) const {
  for (const Option& option : option_table()) {
    if ((option.kind != Option::Kind::text && option.kind != Option::Kind::end) ||
        option.scope != Option::Scope::image)
      continue;
    const nlohmann::json value = option.to_json(job);
    if (!value.is_string()) continue;
    const auto& text = value.get_ref<const std::string&>();
    if (auto rule = refused_by(option.kind == Option::Kind::end ? text_of_end(text) : text)) return rule;
  }
  return std::nullopt;
}

std::optional<std::string> PromptPolicy::refused_by(std::string_view text) const {
  const auto rule = [this](std::size_t line) { return fmt::format("{}:{}", name_, line); };
  const std::vector<icu::UnicodeString> all = readings(text);
  for (const icu::UnicodeString& reading : all)
    if (const auto line = phrases_.find(words_of(reading))) return rule(*line);
  for (const Expression& expression : expressions_)
    for (const icu::UnicodeString& reading : all) {
      UErrorCode status = U_ZERO_ERROR;
      const std::unique_ptr<icu::RegexMatcher> matcher(expression.pattern->matcher(reading, status));
      matcher->setTimeLimit(kLongestMatch, status);
      if (matcher->find(status)) return rule(expression.line);
      if (U_FAILURE(status)) return rule(expression.line) + " (its expression took too long)";
    }
  return std::nullopt;
}

}  // namespace unclip
