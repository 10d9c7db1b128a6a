// Prompt → a part of a file name. Other scripts become Latin letters first, so that names stay readable.
#include <unicode/translit.h>
#include <unicode/unistr.h>

#include <memory>

#include "options/output_name.h"

namespace unclip {
namespace {

constexpr int kReadUnits = 400;  // of the prompt: enough for a slug of any script
constexpr std::size_t kLongestSlug = 60;

std::string to_latin(std::string_view prompt) {
  static const std::unique_ptr<icu::Transliterator> transliterator = [] {
    UErrorCode status = U_ZERO_ERROR;
    return std::unique_ptr<icu::Transliterator>(
        icu::Transliterator::createInstance("Any-Latin; Latin-ASCII; Lower", UTRANS_FORWARD, status));
  }();
  const std::size_t most_bytes = 4 * kReadUnits;
  const std::string_view start = prompt.substr(0, most_bytes);
  icu::UnicodeString text =
      icu::UnicodeString::fromUTF8(icu::StringPiece(start.data(), static_cast<int32_t>(start.size())));
  text.truncate(kReadUnits);
  transliterator->transliterate(text);
  std::string latin;
  text.toUTF8String(latin);
  return latin;
}

}  // namespace

std::string slug(std::string_view prompt) {
  std::string name;
  bool gap = false;
  for (const char c : to_latin(prompt)) {
    const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (kept && gap && !name.empty()) {
      name += '-';
    }
    if (kept) {
      name += c;
    }
    gap = !kept;
  }
  if (name.size() > kLongestSlug) {  // at the end of a word, if there is one
    const std::size_t end = name.rfind('-', kLongestSlug);
    name.resize(end == std::string::npos ? kLongestSlug : end);
  }
  return name.empty() ? "picture" : name;
}

}  // namespace unclip
