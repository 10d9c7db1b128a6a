// ICU on UTF-8, without a detour through UTF-16.
#include "tokenizer/unicode.h"

#include <unicode/brkiter.h>
#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>
#include <unicode/utext.h>
#include <unicode/utf8.h>

#include <memory>

#include "unclip/error.h"

namespace unclip {
namespace {

void check(UErrorCode status) {
  if (U_FAILURE(status))
    throw Error(ExitCode::model, std::string("the Unicode library ICU failed: ") + u_errorName(status),
                "check that ICU's data files are installed");
}

icu::StringPiece piece(std::string_view text) { return {text.data(), static_cast<int32_t>(text.size())}; }

UChar32 code_point(std::string_view text, int32_t& at) {
  UChar32 c = 0;
  U8_NEXT_UNSAFE(text.data(), at, c);
  return c;
}

bool is_space(UChar32 c) { return u_isUWhiteSpace(c); }

// NFC as of Unicode 9.0, whose tables the reference's library carries: marks of later versions stay where
// they are.
const icu::Normalizer2& nfc_9() {
  const auto make = [] {
    UErrorCode status = U_ZERO_ERROR;
    static icu::UnicodeSet assigned(u"[:age=9.0:]", status);
    assigned.freeze();
    const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(status);
    check(status);
    return icu::FilteredNormalizer2(*nfc, assigned);
  };
  static const icu::FilteredNormalizer2 normalizer = make();
  return normalizer;
}

}  // namespace

std::string to_nfc(std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  nfc_9().normalizeUTF8(0, piece(text), sink, nullptr, status);
  check(status);
  return out;
}

std::string collapse_and_lower(std::string_view text) {
  std::string out;
  bool after_space = false;
  for (int32_t at = 0; at < static_cast<int32_t>(text.size());) {
    const int32_t start = at;
    const UChar32 c = code_point(text, at);
    const bool space = is_space(c);
    if (space) {
      if (!after_space) out += ' ';
    } else if (c < 0x80) {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
    } else {
      UErrorCode status = U_ZERO_ERROR;
      icu::StringByteSink<std::string> sink(&out);
      icu::CaseMap::utf8ToLower("", 0, piece(text.substr(start, at - start)), sink, nullptr, status);
      check(status);
    }
    after_space = space;
  }
  return out;
}

std::string_view without_leading_space(std::string_view text) {
  int32_t end = 0;
  while (end < static_cast<int32_t>(text.size())) {
    int32_t next = end;
    if (!is_space(code_point(text, next))) break;
    end = next;
  }
  return text.substr(end);
}

std::string_view without_trailing_space(std::string_view text) {
  int32_t end = static_cast<int32_t>(text.size());
  while (end > 0) {
    int32_t before = end;
    U8_BACK_1_UNSAFE(text.data(), before);
    int32_t at = before;
    if (!is_space(code_point(text, at))) break;
    end = before;
  }
  return text.substr(0, end);
}

std::vector<std::string_view> split_at_space(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t start = 0;
  const auto close = [&](std::size_t end) {
    if (end > start) words.push_back(text.substr(start, end - start));
  };
  for (int32_t at = 0; at < static_cast<int32_t>(text.size());) {
    const int32_t begin = at;
    if (!is_space(code_point(text, at))) continue;
    close(begin);
    start = at;
  }
  close(text.size());
  return words;
}

void for_each_grapheme(std::string_view text, const std::function<void(std::string_view)>& visit) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UText, UText* (*)(UText*)> view(
      utext_openUTF8(nullptr, text.data(), static_cast<int64_t>(text.size()), &status), utext_close);
  const std::unique_ptr<icu::BreakIterator> breaks(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
  check(status);
  breaks->setText(view.get(), status);
  check(status);
  int32_t start = 0;
  for (int32_t end = breaks->next(); end != icu::BreakIterator::DONE; end = breaks->next()) {
    visit(text.substr(start, end - start));
    start = end;
  }
}

std::size_t code_point_length(std::string_view text) {
  int32_t at = 0;
  code_point(text, at);
  return static_cast<std::size_t>(at);
}

}  // namespace unclip
