// Numbers from text, read strictly: flags and prompt files refuse a bad one in the same words.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <charconv>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "support/utf8.h"

namespace unclip {

// A number in decimals from `least` to `most`, and nothing else: no sign that wraps around, no NaN. Throws
// std::invalid_argument "expected …, found …".
template <class Number>
Number parse_number(const std::string& text, Number least, Number most) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, number);
  if (fault != std::errc{} || stop != end || !(number >= least && number <= most))
    throw std::invalid_argument(fmt::format("expected a {} from {} to {}, found \"{}\"",
                                            std::is_integral_v<Number> ? "whole number" : "number", least,
                                            most, excerpt(text)));
  return number;
}

// "4x3": two whole numbers from 1 to `most`. `meaning` names them, "columns x rows", when there is no x.
// Throws std::invalid_argument as above.
inline std::pair<int, int> parse_pair(const std::string& text, int most, const std::string& meaning) {
  const std::size_t by = text.find('x');
  if (by == std::string::npos)
    throw std::invalid_argument("expected " + meaning + ", found \"" + excerpt(text) + '"');
  return {parse_number(text.substr(0, by), 1, most), parse_number(text.substr(by + 1), 1, most)};
}

}  // namespace unclip
