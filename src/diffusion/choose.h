// Reads the settings of schedulers: words out of a few, numbers within ranges.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "checkpoint/config.h"
#include "unclip/sampler_kind.h"

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

// The class that the file was written by, empty where it does not say; throws Error(model) for one that is
// not built: its settings would be read as if they were those of another.
inline std::string scheduler_class(const Config& config) {
  const auto name = config.get<std::string>("_class_name", "");
  if (config.contains("_class_name") && !find_sampler(name, &SamplerNames::scheduler_class)) {
    std::string known;
    for (const SamplerNames& sampler : kSamplers)
      known += (known.empty()                   ? ""
                : &sampler == &kSamplers.back() ? " or "
                                                : ", ") +
               std::string(sampler.scheduler_class);
    config.refuse("_class_name", known);
  }
  return name;
}

}  // namespace unclip
