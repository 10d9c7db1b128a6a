// Seconds of every stage and step.
#include "support/stage_clock.h"

#include <algorithm>

namespace unclip {

void StageClock::tick(std::string_view stage, int64_t done) {
  if (done == 0) marks_.push_back({std::string(stage), {}});
  marks_.back().at.push_back(std::chrono::steady_clock::now());
}

std::vector<StageTime> StageClock::stages() const {
  std::vector<StageTime> times;
  for (const auto& [stage, at] : marks_) {
    std::vector<double> steps;
    for (size_t i = 1; i < at.size(); ++i)
      steps.push_back(std::chrono::duration<double>(at[i] - at[i - 1]).count());
    const double seconds = std::chrono::duration<double>(at.back() - at.front()).count();
    const auto count = static_cast<int64_t>(steps.size());
    if (steps.size() > 1) steps.erase(steps.begin());
    const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
    std::nth_element(steps.begin(), middle, steps.end());
    times.push_back({stage, count, seconds, steps.empty() ? 0 : *middle});
  }
  return times;
}

nlohmann::ordered_json to_json(const std::vector<StageTime>& times) {
  nlohmann::ordered_json stages;
  for (const StageTime& t : times)
    stages[t.stage] = {{"steps", t.steps}, {"seconds", t.seconds}, {"step_seconds", t.step_seconds}};
  return stages;
}

}  // namespace unclip
