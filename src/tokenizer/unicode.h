// The Unicode questions that tokenizers ask, answered by ICU. All texts are valid UTF-8.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace unclip {

// Canonical composition, by the tables of Unicode 9.0 as the reference has them.
std::string to_nfc(std::string_view text);

// Each run of white space (the property White_Space) becomes one blank, each letter its lower case. Case is
// mapped letter by letter as the reference does: a final capital sigma becomes σ, not ς.
std::string collapse_and_lower(std::string_view text);

std::string_view without_leading_space(std::string_view text);
std::string_view without_trailing_space(std::string_view text);
std::vector<std::string_view> split_at_space(std::string_view text);  // no empty words

// Extended grapheme clusters, in order: what a reader takes for one character.
void for_each_grapheme(std::string_view text, const std::function<void(std::string_view)>& visit);

// Bytes of the code point at the start of `text`, which must not be empty.
std::size_t code_point_length(std::string_view text);

}  // namespace unclip
