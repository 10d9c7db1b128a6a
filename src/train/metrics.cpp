// Losses and speed (see the header).
#include "train/metrics.h"

#include <spdlog/spdlog.h>

#include <fstream>
#include <span>
#include <sstream>

#include "support/atomic_file.h"
#include "support/json.h"
#include "support/read_file.h"
#include "support/seconds_since.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr double kLogEvery = 10;            // seconds
constexpr uint64_t kMostMetrics = 1 << 30;  // bytes

std::string duration(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace

void Metrics::begin() const { std::filesystem::remove(file_); }

void Metrics::resume(int64_t step) const {
  if (!is_there(file_)) return;
  std::istringstream in(read_whole_file(file_, kMostMetrics, ExitCode::io));
  std::string kept;
  for (std::string line; std::getline(in, line);) {
    try {
      if (parse_json(line).at("step").get<int64_t>() <= step) kept += line + "\n";
    } catch (const std::exception&) {  // cut off where the run was killed
    }
  }
  write_file_atomically(file_, std::as_bytes(std::span(kept)), Overwrite::yes);
}

void Metrics::add(const StepResult& result) {
  loss_sum_ += result.loss;
  ++measured_;
  if (result.step % kEvery != 0 && result.step != steps_) return;
  const double mean = loss_sum_ / static_cast<double>(measured_), passed = seconds_since(since_);
  const double each_second = static_cast<double>(measured_ * result.batch) / passed;
  const nlohmann::ordered_json line{{"stage", stage_},
                                    {"step", result.step},
                                    {"loss", mean},
                                    {"grad_norm", result.gradient_norm},
                                    {"learning_rate", result.learning_rate},
                                    {"images", result.images},
                                    {"images_per_second", each_second}};
  std::ofstream out(file_, std::ios::app);
  if (!(out << line.dump() << '\n' << std::flush))
    throw Error(ExitCode::io, file_.string() + ": cannot be written",
                "free some space; the same command goes on from the last checkpoint");
  if (seconds_since(logged_) > kLogEvery) {
    const double left = static_cast<double>(steps_ - result.step) * passed / static_cast<double>(measured_);
    spdlog::info("{} {}/{} | loss {:.4f} | {:.1f} images/s | {} left", stage_, result.step, steps_, mean,
                 each_second, duration(left));
    logged_ = Clock::now();
  }
  pause();
}

void Metrics::pause() {
  loss_sum_ = 0;
  measured_ = 0;
  since_ = Clock::now();
}

}  // namespace unclip
