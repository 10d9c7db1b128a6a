// Progress on standard error: stage, step, images done and left, time left.
// On a terminal one line that is redrawn, elsewhere at most one plain line every 10 seconds. It is drawn
// without escape codes and without color, so NO_COLOR holds everywhere.
#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace unclip {

struct ProgressOptions {
  bool quiet = false;                            // print nothing at all
  int descriptor = STDERR_FILENO;                // where to print
  std::chrono::milliseconds line_every{10'000};  // off a terminal: the least time between two lines
};

class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  // `images`: how many the whole run makes; 0: it makes none, and none are counted.
  explicit Progress(int images, ProgressOptions options = {});
  ~Progress();  // clears the redrawn line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begin_stage(std::string_view name, int steps);
  void step_done();

  // Both of them, as an observer of stages: `done` is 0 when a stage begins, then the number of finished
  // steps.
  void observe(std::string_view stage, int64_t done, int64_t steps) {
    done == 0 ? begin_stage(stage, static_cast<int>(steps)) : step_done();
  }
  auto observer() {
    return [this](std::string_view stage, int64_t done, int64_t steps) { observe(stage, done, steps); };
  }

  void images_done(int count);
  void clear();  // wipes the redrawn line: call before printing something else to the same terminal

 private:
  void draw(bool now);
  void wipe();
  std::string line(Clock::time_point now) const;
  std::string time_left(Clock::time_point now) const;

  const int images_;
  const ProgressOptions options_;
  const bool terminal_;
  std::mutex mutex_;
  std::string stage_;
  int steps_ = 0;
  int step_ = 0;
  int done_ = 0;
  std::size_t drawn_ = 0;  // width of the line on the terminal
  const Clock::time_point start_;
  Clock::time_point stage_start_;
  Clock::time_point last_done_;
  Clock::time_point last_draw_;
};

}  // namespace unclip
