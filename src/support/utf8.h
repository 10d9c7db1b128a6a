// The strict UTF-8 check that every text passes once, where it enters the program: options, prompt files,
// JSON; and what makes foreign text visible.
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

// `text` so that nothing in it steers a terminal or hides: control and format characters (bidirectional
// marks, the invisible ones) and line separators as JSON writes them, \u001b; bytes that are no UTF-8 as
// \xff. A line end becomes `new_line`. Every text that comes from outside goes through here before it reaches
// a terminal. Of a JSON text it makes an equal one.
std::string visible(std::string_view text, std::string_view new_line = "\\n");

// The start of a foreign text, for a message: visible, and at most `most` characters of it.
std::string excerpt(std::string_view text, std::size_t most = 200);

}  // namespace unclip
