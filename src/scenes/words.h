// Small helpers for captions in English.
#pragma once

#include <string>
#include <vector>

#include "scenes/random.h"

namespace unclip {

inline std::string with_article(const std::string& words) {
  return (std::string("aeiou").find(words[0]) != std::string::npos ? "an " : "a ") + words;
}

// "a, b and c"
inline std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  }
  return text;
}

}  // namespace unclip
