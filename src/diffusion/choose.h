// Reads a setting that is one of a few words.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "unclip/checkpoint/config.h"

namespace unclip {

// The choice that the word under `key` (or `fallback`) stands for; throws Error(model) for an unknown word.
template <class Choice>
Choice choose(const Config& config, const char* key, const char* fallback,
              const std::vector<std::pair<std::string, Choice>>& choices) {
  const auto found = config.get<std::string>(key, fallback);
  std::string known;
  for (const auto& [name, choice] : choices) {
    if (name == found) return choice;
    known += (known.empty() ? "" : " or ") + name;
  }
  throw Error(ExitCode::model, config.origin() + ": \"" + key + "\" is \"" + found + "\", expected " + known);
}

}  // namespace unclip
