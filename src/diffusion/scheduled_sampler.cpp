// Timesteps, levels of noise and the estimate of x_0 (see the header). Numbers are float32, as the
// reference's.
#include "diffusion/scheduled_sampler.h"

#include <torch/types.h>

#include <cmath>

namespace unclip {

// arXiv:2305.08891, table 2. std::nearbyint rounds halves to even, as numpy does.
std::vector<float> spread_timesteps(const ScheduleConfig& config, int64_t steps, const Spread& spread) {
  using enum ScheduleConfig::Spacing;
  const auto spacing = config.spacing.value_or(leading);
  const int64_t dropped = spread.drops_last && spacing != trailing ? 1 : 0;
  const int64_t most =
      config.num_train_timesteps - std::max(dropped, spacing == leading ? config.steps_offset : 0);
  const auto train = static_cast<double>(config.num_train_timesteps);
  const auto count = static_cast<double>(steps + dropped);
  std::vector<float> timesteps;
  for (int64_t i = 0; i < std::min(steps, most); ++i) {
    const auto from_start = static_cast<double>(i), from_end = count - 1 - from_start;
    double t = 0;
    switch (spacing) {
      case leading:
        t = from_end * std::floor(train / count) + static_cast<double>(config.steps_offset);
        break;
      case trailing:  // the stride rounded as numpy.arange rounds it: some t are halves before that
        t = std::nearbyint(train + from_start * ((train - train / count) - train)) - 1;
        break;
      case linspace:
        t = count == 1 ? 0 : from_end * ((train - 1) / (count - 1));
        if (spread.whole) t = std::nearbyint(t);
        break;
    }
    timesteps.push_back(static_cast<float>(t));
  }
  if (steps < 1 || steps > most || timesteps.front() >= static_cast<float>(train))
    throw Error(ExitCode::usage,
                "expected 1 to " + std::to_string(most) + " steps, found " + std::to_string(steps));
  return timesteps;
}

ScheduledSampler::ScheduledSampler(const ScheduleConfig& config, std::vector<float> timesteps, int64_t skip)
    : config_(config), timesteps_(std::move(timesteps)) {
  timesteps_.erase(timesteps_.begin(), timesteps_.begin() + skip);
  const auto assign = [](std::vector<float>& to, const torch::Tensor& from) {
    to.assign(from.data_ptr<float>(), from.data_ptr<float>() + from.numel());
  };
  assign(betas_, config.betas().contiguous());
  assign(alphas_cumprod_, config.alphas_cumprod());
}

ScheduledSampler::Level ScheduledSampler::level(size_t i) const {
  const float kept = alpha_bar(whole_timestep(i));
  return {std::sqrt(kept), std::sqrt(1 - kept)};
}

float ScheduledSampler::alpha_bar_below(int64_t timestep, int64_t stride, bool usually_one) const {
  if (timestep >= stride) return alpha_bar(timestep - stride);
  return config_.set_alpha_to_one.value_or(usually_one) ? 1.0F : alpha_bar(0);
}

torch::Tensor ScheduledSampler::add_noise(const torch::Tensor& x0, const torch::Tensor& noise,
                                          size_t i) const {
  const Level to = level(i);
  return to.alpha * x0 + to.sigma * noise;
}

torch::Tensor ScheduledSampler::noise_again(const torch::Tensor& x, const torch::Tensor& noise,
                                            size_t i) const {
  const Level to = level(i), from = level(i + 1);
  const float kept = to.alpha / from.alpha;
  return kept * x + std::sqrt(to.sigma * to.sigma - kept * kept * from.sigma * from.sigma) * noise;
}

torch::Tensor ScheduledSampler::estimate(size_t i, const torch::Tensor& output,
                                         const torch::Tensor& x) const {
  using enum ScheduleConfig::Prediction;
  const auto [alpha, sigma, scale] = level(i);
  const torch::Tensor prediction = output.narrow(1, 0, x.size(1));
  torch::Tensor x0 = prediction;
  if (config_.prediction == epsilon) x0 = (x - sigma * prediction) / alpha;
  if (config_.prediction == v) x0 = alpha / (scale * scale) * x - sigma / scale * prediction;
  if (!config_.thresholding)
    return config_.clip_sample ? x0.clamp(-config_.clip_sample_range, config_.clip_sample_range) : x0;
  const torch::Tensor limit = at::quantile(x0.flatten(1).abs(), config_.dynamic_thresholding_ratio, 1)
                                  .clamp(1, config_.sample_max_value)
                                  .view({-1, 1, 1, 1});  // [B,1,1,1]
  return at::clamp(x0, -limit, limit) / limit;
}

torch::Tensor ScheduledSampler::predict_noise(const torch::Tensor& output, const torch::Tensor& x,
                                              const Level& at) const {
  using enum ScheduleConfig::Prediction;
  const torch::Tensor prediction = output.narrow(1, 0, x.size(1));
  if (config_.prediction == sample) return (x - at.alpha * prediction) / at.sigma;
  if (config_.prediction == v) return at.alpha * prediction + at.sigma * x;
  return prediction;
}

}  // namespace unclip
