// The strict UTF-8 check that every text passes once, where it enters the program: options, prompt files,
// JSON.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace unclip {

// Offset of the first byte that starts no well-formed sequence (RFC 3629: no overlong form, no surrogate,
// nothing above U+10FFFF); nothing when `text` is valid.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

// Column (from 1, in characters) of the byte at `offset`; the text before it must be valid.
std::size_t utf8_column(std::string_view text, std::size_t offset);

}  // namespace unclip
