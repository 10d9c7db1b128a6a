// Well-formed UTF-8 as table 3-7 of the Unicode standard has it: the lead byte bounds the second byte.
#include "support/utf8.h"

#include <spdlog/fmt/fmt.h>
#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include <algorithm>

namespace unclip {
namespace {

// Bytes of the well-formed sequence at the start of `text`; 0 when there is none.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  return length;
}

// Of a well-formed sequence.
char32_t code_point(std::string_view sequence) {
  const auto lead = static_cast<unsigned char>(sequence.front());
  char32_t c = sequence.size() == 1 ? lead : lead & (0xFFU >> (sequence.size() + 1));
  for (const char byte : sequence.substr(1)) c = c << 6 | (static_cast<unsigned char>(byte) & 0x3FU);
  return c;
}

// The joiners shape Persian and Indic words and emoji: they stay.
bool is_hidden(char32_t c) {
  constexpr char32_t kNonJoiner = 0x200C, kJoiner = 0x200D;
  constexpr uint32_t kHidden = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK;
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & kHidden) != 0 && c != kNonJoiner && c != kJoiner;
}

std::string as_json_escape(char32_t c) {
  const auto unit = [](unsigned u) { return fmt::format("\\u{:04x}", u); };
  return c < 0x10000 ? unit(c) : unit(U16_LEAD(c)) + unit(U16_TRAIL(c));
}

}  // namespace

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::nullopt;
}

std::size_t utf8_column(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  return 1 + static_cast<std::size_t>(std::ranges::count_if(
                 before, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string visible(std::string_view text, std::string_view new_line) {
  std::string shown;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    if (length == 0) {
      shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (text.front() == '\n') {
      shown += new_line;
    } else if (const char32_t c = code_point(text.substr(0, length)); is_hidden(c)) {
      shown += as_json_escape(c);
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return shown;
}

std::string excerpt(std::string_view text, std::size_t most) {
  std::size_t end = 0;
  for (; most > 0 && end < text.size(); --most)
    end += std::max<std::size_t>(sequence_length(text.substr(end)), 1);
  return visible(text.substr(0, end)) + (end < text.size() ? "…" : "");
}

}  // namespace unclip
