// The strict UTF-8 check that every text passes once, where it enters the program: options, prompt files,
// JSON; and what makes foreign text safe to print.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace unclip {

// Offset of the first byte that starts no well-formed sequence (RFC 3629: no overlong form, no surrogate,
// nothing above U+10FFFF); nothing when `text` is valid.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

// Column (from 1, in characters) of the byte at `offset`; the text before it must be valid.
std::size_t utf8_column(std::string_view text, std::size_t offset);

// `text` without the power to steer a terminal: a '?' for each control character (C0, C1, delete), and
// `new_line` for each line end.
std::string printable(std::string_view text, std::string_view new_line = "?");

}  // namespace unclip
