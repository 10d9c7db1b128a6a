// PLMS.
#include "diffusion/pndm_sampler.h"

#include <torch/types.h>

#include <cmath>

namespace unclip {
namespace {

// The class clips nothing, and knows no schedule that ends without signal.
ScheduleConfig pndm_config(ScheduleConfig config) {
  config.clip_sample = config.thresholding = config.rescale_betas_zero_snr = false;
  return config;
}

// The second timestep twice: there the first step is taken once more.
std::vector<float> pndm_timesteps(const ScheduleConfig& config, int64_t steps) {
  std::vector<float> timesteps = spread_timesteps(config, steps);
  if (steps > 1) timesteps.insert(timesteps.begin() + 1, timesteps[1]);
  return timesteps;
}

}  // namespace

PndmSampler::PndmSampler(const ScheduleConfig& config, int64_t steps, int64_t skip)
    : ScheduledSampler(pndm_config(config), pndm_timesteps(config, steps), skip),
      stride_(config.num_train_timesteps / steps) {}

// Adams-Bashforth, of as high an order as there are answers (eq. 12 for four).
torch::Tensor PndmSampler::extrapolated() const {
  const auto last = [this](size_t back) { return outputs_[outputs_.size() - back]; };
  switch (outputs_.size()) {
    case 1:
      return last(1);
    case 2:
      return (3 * last(1) - last(2)) / 2;
    case 3:
      return (23 * last(1) - 16 * last(2) + 5 * last(3)) / 12;
    default:
      return (55 * last(1) - 59 * last(2) + 37 * last(3) - 9 * last(4)) / 24;
  }
}

torch::Tensor PndmSampler::step(size_t i, const torch::Tensor& output, const torch::Tensor& x, NoiseSource&) {
  // 1. the slope; at i = 1 that of the first step, from both of its ends
  const torch::Tensor answer = output.narrow(1, 0, x.size(1));
  const bool again = i == 1;
  if (i == 0) {
    outputs_.clear();
    start_ = x;
  }
  if (!again) outputs_.push_back(answer);
  if (outputs_.size() > 4) outputs_.erase(outputs_.begin());
  const torch::Tensor slope = again ? (answer + outputs_.back()) / 2 : extrapolated();

  // 2. where the step begins and ends
  const torch::Tensor& from = again ? start_ : x;
  const int64_t t = whole_timestep(i) + (again ? stride_ : 0);
  const float now = alpha_bar(t), next = alpha_bar_below(t, stride_, false);

  // 3. eq. 11
  const torch::Tensor epsilon = predict_noise(slope, from, {std::sqrt(now), std::sqrt(1 - now)});
  const float below = now * std::sqrt(1 - next) + std::sqrt(now * (1 - now) * next);
  return std::sqrt(next / now) * from - (next - now) / below * epsilon;
}

}  // namespace unclip
