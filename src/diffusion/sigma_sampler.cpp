// Timesteps ↔ σ. The reference computes the table of σ in float32 and all that it derives from it in float64.
#include "diffusion/sigma_sampler.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace unclip {
namespace {

// σ = √((1−ᾱ)/ᾱ) of every timestep, rising.
std::vector<float> sigma_table(const ScheduleConfig& config) {
  const torch::Tensor kept = config.alphas_cumprod();
  if (config.rescale_betas_zero_snr) kept[-1] = 0x1p-24;  // no signal left: σ would be infinite
  const torch::Tensor sigmas = rounded_root((1 - kept) / kept);
  return {sigmas.data_ptr<float>(), sigmas.data_ptr<float>() + sigmas.numel()};
}

std::vector<double> sigmas_at(const std::vector<float>& table, const std::vector<float>& timesteps) {
  std::vector<double> sigmas;
  for (const double t : timesteps) {
    const auto below = static_cast<size_t>(t), above = std::min(below + 1, table.size() - 1);
    const double low = table[below], high = table[above];
    sigmas.push_back((high - low) * (t - std::floor(t)) + low);
  }
  return sigmas;
}

double timestep_at(const std::vector<float>& table, double sigma) {
  const auto after = std::upper_bound(table.begin() + 1, table.end() - 1, sigma);
  const float low = std::log(*(after - 1)), high = std::log(*after);
  const double share = std::clamp((low - std::log(sigma)) / (low - high), 0.0, 1.0);
  return static_cast<double>(after - table.begin() - 1) + share;
}

// arXiv:2206.00364, eq. 5
std::vector<double> karras(double most, double least, int64_t steps) {
  constexpr double kRho = 7;
  const double first = std::pow(most, 1 / kRho), last = std::pow(least, 1 / kRho);
  std::vector<double> sigmas;
  for (int64_t i = 0; i < steps; ++i) {
    const double way = steps == 1 ? 0 : static_cast<double>(i) / static_cast<double>(steps - 1);
    sigmas.push_back(std::pow(first + way * (last - first), kRho));
  }
  return sigmas;
}

// One σ more than there are steps: with it, what the settings say of the end does not count.
std::vector<double> log_linear(float most, float least, int64_t steps) {
  const torch::Tensor sigmas =
      torch::linspace(std::log(most), std::log(least), steps + 1, torch::kFloat32).exp();
  return {sigmas.data_ptr<float>(), sigmas.data_ptr<float>() + sigmas.numel()};
}

ScheduleConfig usually_linspace(ScheduleConfig config) {
  config.spacing = config.spacing.value_or(ScheduleConfig::Spacing::linspace);
  return config;
}

SigmaSteps with_end(std::vector<float> timesteps, const std::vector<double>& sigmas, float last) {
  SigmaSteps steps{std::move(timesteps), {}};
  for (const double sigma : sigmas) steps.sigmas.push_back(static_cast<float>(sigma));
  steps.sigmas.push_back(last);
  return steps;
}

}  // namespace

SigmaSteps euler_steps(const ScheduleConfig& config, int64_t steps) {
  const std::vector<float> table = sigma_table(config);
  std::vector<float> timesteps = spread_timesteps(usually_linspace(config), steps, {.whole = false});
  std::vector<double> sigmas = sigmas_at(table, timesteps);
  if (config.interpolates_log_linear) sigmas = log_linear(table.back(), table.front(), steps);
  if (config.use_karras_sigmas) {
    sigmas = karras(sigmas.front(), sigmas.back(), steps);
    for (size_t i = 0; i < sigmas.size(); ++i)
      timesteps[i] = static_cast<float>(timestep_at(table, sigmas[i]));
  }
  return with_end(timesteps, sigmas, config.ends_at_sigma_min ? table.front() : 0);
}

SigmaSteps solver_steps(const ScheduleConfig& config, int64_t steps) {
  const std::vector<float> table = sigma_table(config);
  std::vector<float> timesteps = spread_timesteps(usually_linspace(config), steps, {.drops_last = true});
  std::vector<double> sigmas = sigmas_at(table, timesteps);
  if (config.use_karras_sigmas) {
    sigmas = karras(table.back(), table.front(), steps);
    const bool cosine = config.beta_schedule == ScheduleConfig::Beta::cosine;
    for (size_t i = 0; i < sigmas.size(); ++i) {
      const double t = timestep_at(table, sigmas[i]);
      timesteps[i] = static_cast<float>(cosine ? std::floor(t) : std::nearbyint(t));
    }
  }
  return with_end(timesteps, sigmas, config.ends_at_sigma_min ? table.front() : 0);
}

SigmaSampler::SigmaSampler(const ScheduleConfig& config, decltype(euler_steps)& spread, int64_t steps,
                           int64_t skip)
    : SigmaSampler(config, spread(config, steps), skip) {}

SigmaSampler::SigmaSampler(const ScheduleConfig& config, SigmaSteps steps, int64_t skip)
    : ScheduledSampler(config, std::move(steps.timesteps), skip), sigmas_(std::move(steps.sigmas)) {
  sigmas_.erase(sigmas_.begin(), sigmas_.begin() + skip);
}

}  // namespace unclip
