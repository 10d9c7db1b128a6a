// Euler, and Euler ancestral.
#include "diffusion/euler_sampler.h"

#include <torch/types.h>

#include <cmath>

namespace unclip {
namespace {

using Noise = EulerSampler::Noise;

// Clipping is not part of either class; the ancestral one always spreads its timesteps in the plain way.
ScheduleConfig euler_config(ScheduleConfig config, Noise added) {
  config.clip_sample = config.thresholding = false;
  if (added == Noise::ancestral)
    config.use_karras_sigmas = config.interpolates_log_linear = config.ends_at_sigma_min = false;
  return config;
}

}  // namespace

EulerSampler::EulerSampler(const ScheduleConfig& config, int64_t steps, int64_t skip, Noise added)
    : SigmaSampler(euler_config(config, added), euler_steps, steps, skip), added_(added) {}

ScheduledSampler::Level EulerSampler::level(size_t i) const {
  return {1, sigma(i), std::sqrt(sigma(i) * sigma(i) + 1)};
}

// Leading timesteps begin below the schedule's largest σ: there the noise stands for the image's share, too.
float EulerSampler::start_scale() const {
  return config_.spacing == ScheduleConfig::Spacing::leading ? level(0).scale : sigma(0);
}

torch::Tensor EulerSampler::step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                                 NoiseSource& noise) {
  // 1. σ before the step and behind it, which is what is left (down) and what is added (up)
  const float now = sigma(i), next = sigma(i + 1);
  const bool adds = added_ == Noise::ancestral;
  const float up = adds ? std::sqrt(next * next * (now * now - next * next) / (now * now)) : 0;
  const float down = adds ? std::sqrt(std::max(next * next - up * up, 0.0F)) : next;

  // 2. along dx/dσ = (x − x_0) / σ
  const torch::Tensor slope = (x - estimate(i, output, x)) / now;
  const torch::Tensor moved = x + slope * (down - now);

  // 3. new noise, drawn also where none of it is added, as the reference does
  return adds ? moved + noise.normal(x.sizes().slice(1)) * up : moved;
}

}  // namespace unclip
