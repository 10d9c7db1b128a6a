// DDIM without added noise.
#include "diffusion/ddim_sampler.h"

#include <torch/torch.h>

#include <cmath>

namespace unclip {

DdimSampler::DdimSampler(const ScheduleConfig& config, int64_t steps, int64_t skip)
    : ScheduledSampler(config, spread_timesteps(config, steps), skip),
      stride_(config.num_train_timesteps / steps) {}

torch::Tensor DdimSampler::step(size_t i, const torch::Tensor& output, const torch::Tensor& x, NoiseSource&) {
  // 1. ᾱ at this timestep and one stride below it, whatever the spacing: as the reference does
  const int64_t t = timesteps()[i], t_next = t - stride_;
  const float now = alpha_bar(t);
  const float next = t_next >= 0 ? alpha_bar(t_next) : config_.set_alpha_to_one ? 1.0F : alpha_bar(0);

  // 2. predicted x_0, clipped, and the predicted noise, which is not clipped with it
  const float alpha = std::sqrt(now), sigma = std::sqrt(1 - now);
  const torch::Tensor prediction = output.narrow(1, 0, x.size(1)), x0 = predict_x0(output, x, alpha, sigma);
  torch::Tensor epsilon = prediction;
  if (config_.prediction == ScheduleConfig::Prediction::sample) epsilon = (x - alpha * prediction) / sigma;
  if (config_.prediction == ScheduleConfig::Prediction::v) epsilon = alpha * prediction + sigma * x;

  // 3. eq. 12
  return std::sqrt(next) * x0 + std::sqrt(1 - next) * epsilon;
}

}  // namespace unclip
