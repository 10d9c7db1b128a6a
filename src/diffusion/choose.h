// Reads the settings of schedulers: words out of a few, numbers within ranges.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "checkpoint/config.h"

namespace unclip {

inline constexpr Range kTrainTimesteps{100, 10'000};
inline constexpr Range kBetas{1e-6, 0.999};
inline constexpr Range kStepOffsets{0, 9};  // with more, 100 of 1000 steps would begin behind the schedule

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
  config.refuse(key, known);
}

}  // namespace unclip
