// Ancestral DDPM sampling as Karlo does it (see the header). Coefficients are float32, as the reference's.
#include "diffusion/unclip_sampler.h"

#include <cmath>
#include <numbers>

#include "choose.h"

namespace unclip {

UnclipSamplerConfig UnclipSamplerConfig::from(const Config& config) {
  config.expect("beta_schedule", "squaredcos_cap_v2");
  scheduler_class(config);
  UnclipSamplerConfig c;
  c.num_train_timesteps = config.get("num_train_timesteps", c.num_train_timesteps, kTrainTimesteps);
  c.variance = choose<Variance>(
      config, "variance_type", "fixed_small_log",
      {{"fixed_small_log", Variance::fixed_small_log}, {"learned_range", Variance::learned_range}});
  c.prediction = choose<Prediction>(config, "prediction_type", "epsilon",
                                    {{"epsilon", Prediction::epsilon}, {"sample", Prediction::sample}});
  c.clip_sample = config.get("clip_sample", c.clip_sample);
  c.clip_sample_range = config.get("clip_sample_range", c.clip_sample_range, kScales);
  return c;
}

torch::Tensor cosine_betas(int64_t timesteps) {
  const auto alpha_bar = [](double t) {
    const double c = std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2);
    return c * c;
  };
  const auto n = static_cast<double>(timesteps);
  std::vector<float> betas;
  for (int64_t i = 0; i < timesteps; ++i) {
    const auto t = static_cast<double>(i);
    betas.push_back(static_cast<float>(std::min(1 - alpha_bar((t + 1) / n) / alpha_bar(t / n), 0.999)));
  }
  return torch::tensor(betas);
}

UnclipSampler::UnclipSampler(const UnclipSamplerConfig& config, int64_t steps) : config_(config) {
  if (steps < 2 || steps > config.num_train_timesteps)
    throw Error(ExitCode::usage,
                "expected 2 to " + std::to_string(config.num_train_timesteps) + " steps, found " +
                    std::to_string(steps),
                "the schedule spreads its steps over both ends, so it needs two at least");
  const double ratio = static_cast<double>(config.num_train_timesteps - 1) / static_cast<double>(steps - 1);
  for (int64_t i = steps - 1; i >= 0; --i)  // nearbyint rounds halves to even, as numpy does
    timesteps_.push_back(static_cast<int64_t>(std::nearbyint(static_cast<double>(i) * ratio)));
  const torch::Tensor betas = cosine_betas(config.num_train_timesteps);
  const torch::Tensor alphas_cumprod = at::cumprod(1 - betas, 0);
  betas_.assign(betas.data_ptr<float>(), betas.data_ptr<float>() + betas.numel());
  alphas_cumprod_.assign(alphas_cumprod.data_ptr<float>(), alphas_cumprod.data_ptr<float>() + betas.numel());
}

torch::Tensor UnclipSampler::step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                                  NoiseSource& noise) {
  // 1. ᾱ at this timestep and the next one visited; β between them (neighbours have it exactly)
  const int64_t t = timesteps_[i];
  const int64_t t_next = i + 1 < timesteps_.size() ? timesteps_[i + 1] : -1;
  const float alpha_bar = alphas_cumprod_[static_cast<size_t>(t)];
  const float alpha_bar_next = t_next < 0 ? 1.0F : alphas_cumprod_[static_cast<size_t>(t_next)];
  const float beta = t_next == t - 1 ? betas_[static_cast<size_t>(t)] : 1 - alpha_bar / alpha_bar_next;

  // 2. split off the predicted variance
  const int64_t channels = x.size(1);
  const bool learned = config_.variance == UnclipSamplerConfig::Variance::learned_range;
  TORCH_CHECK(output.size(1) == (learned ? 2 * channels : channels), "net output does not fit the sampler");
  const torch::Tensor prediction = output.narrow(1, 0, channels);

  // 3. predicted x_0 (eq. 15), clipped
  torch::Tensor x0 = config_.prediction == UnclipSamplerConfig::Prediction::sample
                         ? prediction
                         : (x - std::sqrt(1 - alpha_bar) * prediction) / std::sqrt(alpha_bar);
  if (config_.clip_sample) x0 = x0.clamp(-config_.clip_sample_range, config_.clip_sample_range);

  // 4. mean of the posterior q(x_next | x_t, x_0) (eq. 7)
  const float x0_weight = std::sqrt(alpha_bar_next) * beta / (1 - alpha_bar);
  const float x_weight = std::sqrt(1 - beta) * (1 - alpha_bar_next) / (1 - alpha_bar);
  const torch::Tensor mean = x0_weight * x0 + x_weight * x;
  if (t == 0) return mean;

  // 5. noise, with the posterior's variance or one between it and β
  const torch::Tensor draw = noise.normal(x.sizes().slice(1));
  const float posterior = (1 - alpha_bar_next) / (1 - alpha_bar) * beta;
  if (!learned) return mean + std::sqrt(std::max(posterior, 1e-20F)) * draw;
  const torch::Tensor share = (output.narrow(1, channels, channels) + 1) / 2;
  const torch::Tensor log_variance = share * std::log(beta) + (1 - share) * std::log(posterior);
  return mean + (0.5 * log_variance).exp() * draw;
}

}  // namespace unclip
