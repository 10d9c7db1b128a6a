// Seconds of every stage and step: for the log, the JSON lines and benchmarks.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace unclip {

struct StageTime {
  std::string stage;
  int64_t steps = 0;
  double seconds = 0;  // the whole stage
  double step_seconds =
      0;  // the median step; the first, which packs weights and warms caches, counts only alone
};

// As lines of JSON have them: stage → steps, seconds, step_seconds.
nlohmann::ordered_json to_json(const std::vector<StageTime>& times);

class StageClock {
 public:
  // Follows a pipeline's observer: `done` is 0 when a stage begins, then the number of finished steps.
  void tick(std::string_view stage, int64_t done);

  std::vector<StageTime> stages() const;

 private:
  struct Marks {
    std::string stage;
    std::vector<std::chrono::steady_clock::time_point> at;
  };
  std::vector<Marks> marks_;
};

}  // namespace unclip
