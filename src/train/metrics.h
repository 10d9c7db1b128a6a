// RUN/STAGE/metrics.jsonl, a line every few steps, and now and then a line of the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace unclip {

// What a step came to.
struct StepResult {
  int64_t step = 0;     // steps done, this one included
  uint64_t images = 0;  // drawn from the source by then
  int64_t batch = 0;    // images of the step
  double loss = 0, gradient_norm = 0, learning_rate = 0;
};

class Metrics {
 public:
  static constexpr int64_t kEvery = 20;  // steps

  Metrics(std::filesystem::path file, std::string stage, int64_t steps)
      : file_(std::move(file)), stage_(std::move(stage)), steps_(steps) {}

  const std::string& stage() const { return stage_; }

  // A new run measures anew. One that was killed measures again what came after its last checkpoint.
  void begin() const;
  void resume(int64_t step) const;

  void add(const StepResult& result);
  // Leaves out what is not training.
  void pause();

 private:
  using Clock = std::chrono::steady_clock;

  std::filesystem::path file_;
  std::string stage_;
  int64_t steps_;
  int64_t measured_ = 0;
  double loss_sum_ = 0;
  Clock::time_point since_ = Clock::now(), logged_ = since_;
};

}  // namespace unclip
