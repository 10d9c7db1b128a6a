// DDIM.
#include "diffusion/ddim_sampler.h"

#include <torch/types.h>

#include <cmath>

namespace unclip {

DdimSampler::DdimSampler(const ScheduleConfig& config, int64_t steps, int64_t skip, double eta)
    : ScheduledSampler(config, spread_timesteps(config, steps), skip),
      stride_(config.num_train_timesteps / steps),
      eta_(eta) {}

// ᾱ at this timestep and one stride below it, whatever the spacing: as the reference does.
DdimSampler::AlphaBars DdimSampler::alpha_bars(size_t i) const {
  const int64_t t = whole_timestep(i);
  return {alpha_bar(t), alpha_bar_below(t, stride_, true)};
}

double DdimSampler::scale(size_t i) const {
  const auto [now, next] = alpha_bars(i);
  return std::sqrt(next / now);
}

torch::Tensor DdimSampler::step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                                NoiseSource& noise) {
  // 1. ᾱ before and after the step
  const auto [now, next] = alpha_bars(i);

  // 2. predicted x_0, clipped, and the predicted noise
  const torch::Tensor x0 = estimate(i, output, x), epsilon = predict_noise(output, x, level(i));

  // 3. eq. 12, without noise
  if (eta_ == 0) return std::sqrt(next) * x0 + std::sqrt(1 - next) * epsilon;

  // 4. eq. 12 with the σ of eq. 16
  const double variance = (1.0 - next) / (1.0 - now) * (1.0 - static_cast<double>(now) / next);
  const double added = eta_ * std::sqrt(std::max(variance, 0.0));
  return std::sqrt(next) * x0 + std::sqrt(std::max(1.0 - next - added * added, 0.0)) * epsilon +
         added * noise.normal(x.sizes().slice(1));
}

}  // namespace unclip
