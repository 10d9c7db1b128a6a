// Numbers from text, read strictly: flags and prompt files refuse a bad one in the same words.
#pragma once

#include <spdlog/fmt/fmt.h>

#include <charconv>
#include <stdexcept>
#include <string>
#include <type_traits>

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
                                            most, text));
  return number;
}

}  // namespace unclip
