// DDIM.
#include "diffusion/ddim_sampler.h"

#include <torch/torch.h>

#include <cmath>

namespace unclip {

DdimSampler::DdimSampler(const ScheduleConfig& config, int64_t steps, int64_t skip, double eta)
    : ScheduledSampler(config, spread_timesteps(config, steps), skip),
      stride_(config.num_train_timesteps / steps),
      eta_(eta) {}

// ᾱ at this timestep and one stride below it, whatever the spacing: as the reference does.
DdimSampler::AlphaBars DdimSampler::alpha_bars(size_t i) const {
  const int64_t t = timesteps()[i], t_next = t - stride_;
  return {alpha_bar(t), t_next >= 0 ? alpha_bar(t_next) : config_.set_alpha_to_one ? 1.0F : alpha_bar(0)};
}

double DdimSampler::scale(size_t i) const {
  const auto [now, next] = alpha_bars(i);
  return std::sqrt(next / now);
}

torch::Tensor DdimSampler::step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                                NoiseSource& noise) {
  // 1. ᾱ before and after the step
  const auto [now, next] = alpha_bars(i);

  // 2. predicted x_0, clipped, and the predicted noise, which is not clipped with it
  const float alpha = std::sqrt(now), sigma = std::sqrt(1 - now);
  const torch::Tensor prediction = output.narrow(1, 0, x.size(1)), x0 = predict_x0(output, x, alpha, sigma);
  torch::Tensor epsilon = prediction;
  if (config_.prediction == ScheduleConfig::Prediction::sample) epsilon = (x - alpha * prediction) / sigma;
  if (config_.prediction == ScheduleConfig::Prediction::v) epsilon = alpha * prediction + sigma * x;

  // 3. eq. 12, without noise
  if (eta_ == 0) return std::sqrt(next) * x0 + std::sqrt(1 - next) * epsilon;

  // 4. eq. 12 with the σ of eq. 16
  const double variance = (1.0 - next) / (1.0 - now) * (1.0 - static_cast<double>(now) / next);
  const double added = eta_ * std::sqrt(std::max(variance, 0.0));
  return std::sqrt(next) * x0 + std::sqrt(std::max(1.0 - next - added * added, 0.0)) * epsilon +
         added * noise.normal(x.sizes().slice(1));
}

}  // namespace unclip
