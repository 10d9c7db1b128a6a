// DPM-Solver++(2M).
#include "diffusion/dpm_solver_sampler.h"

#include <torch/types.h>

#include <cmath>

namespace unclip {
namespace {

// Clipping is not part of the solver; thresholding is.
ScheduleConfig solver_config(ScheduleConfig config) {
  config.clip_sample = false;
  return config;
}

}  // namespace

DpmSolverSampler::DpmSolverSampler(const ScheduleConfig& config, int64_t steps, int64_t skip)
    : SigmaSampler(solver_config(config), solver_steps, steps, skip), steps_(steps) {}

// √ᾱ and √(1−ᾱ) of the σ that they make.
ScheduledSampler::Level DpmSolverSampler::level(size_t i) const {
  const float alpha = 1 / std::sqrt(sigma(i) * sigma(i) + 1);
  return {alpha, sigma(i) * alpha};
}

// The first step, which has no other before it, and the last one, where a second order would divide by zero
// or the settings ask for the lower one.
bool DpmSolverSampler::is_first_order(size_t i) const {
  constexpr int64_t kFewSteps = 15;
  if (i == 0) return true;
  return i + 1 == timesteps().size() && (!config_.ends_at_sigma_min || config_.euler_at_final ||
                                         (config_.lower_order_final && steps_ < kFewSteps));
}

torch::Tensor DpmSolverSampler::step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                                     NoiseSource&) {
  const auto lambda = [this](size_t at) { return std::log(level(at).alpha) - std::log(level(at).sigma); };
  const Level now = level(i), next = level(i + 1);
  const float h = lambda(i + 1) - lambda(i);

  // 1. the direction: x_0 itself, or extrapolated from the last two (line 8)
  const torch::Tensor x0 = estimate(i, output, x);
  torch::Tensor direction = x0;
  if (!is_first_order(i)) {
    const float r = (lambda(i) - lambda(i - 1)) / h;
    direction = x0 + (x0 - last_x0_) / (2 * r);
  }
  last_x0_ = x0;

  // 2. the exact solution along it (line 9)
  return next.sigma / now.sigma * x - next.alpha * std::expm1(-h) * direction;
}

}  // namespace unclip
