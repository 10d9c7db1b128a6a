// DPM-Solver++(2M).
#include "diffusion/dpm_solver_sampler.h"

#include <torch/torch.h>

#include <cmath>
#include <limits>

namespace unclip {
namespace {

// Clipping is not part of the solver; thresholding is. Of one timestep more than steps the last, where
// nothing is left to do, is dropped: so the reference spreads them, except from the trailing end.
ScheduleConfig solver_config(ScheduleConfig config) {
  config.clip_sample = false;
  config.spacing = config.spacing.value_or(ScheduleConfig::Spacing::linspace);
  return config;
}

std::vector<int64_t> solver_timesteps(const ScheduleConfig& config, int64_t steps) {
  if (config.spacing == ScheduleConfig::Spacing::trailing) return spread_timesteps(config, steps);
  std::vector<int64_t> timesteps = spread_timesteps(config, steps + 1);
  timesteps.pop_back();
  return timesteps;
}

}  // namespace

DpmSolverSampler::DpmSolverSampler(const ScheduleConfig& config, int64_t steps, int64_t skip)
    : ScheduledSampler(solver_config(config), solver_timesteps(solver_config(config), steps), skip) {}

DpmSolverSampler::Level DpmSolverSampler::level(size_t i) const {
  if (i == timesteps().size()) return {1, 0, std::numeric_limits<float>::infinity()};
  float a = alpha_bar(timesteps()[i]);
  if (a == 0) a = 0x1p-24F;  // no signal left: the ratio would be infinite
  return {std::sqrt(a), std::sqrt(1 - a), 0.5F * std::log(a / (1 - a))};
}

torch::Tensor DpmSolverSampler::step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                                     NoiseSource&) {
  const Level now = level(i), next = level(i + 1);
  const float h = next.lambda - now.lambda;

  // 1. the direction: x_0 itself at first and at last, else extrapolated from the last two (line 8)
  const torch::Tensor x0 = predict_x0(output, x, now.alpha, now.sigma);
  torch::Tensor direction = x0;
  if (i > 0 && i + 1 < timesteps().size()) {
    const float r = (now.lambda - level(i - 1).lambda) / h;
    direction = x0 + (x0 - last_x0_) / (2 * r);
  }
  last_x0_ = x0;

  // 2. the exact solution along it (line 9)
  return next.sigma / now.sigma * x - next.alpha * std::expm1(-h) * direction;
}

}  // namespace unclip
