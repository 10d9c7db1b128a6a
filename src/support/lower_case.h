// Letters of ASCII alone, whatever the locale: names of hosts, types and file endings.
#pragma once

#include <algorithm>
#include <string>

namespace unclip {

inline std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

}  // namespace unclip
