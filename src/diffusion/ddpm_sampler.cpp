// Ancestral sampling. Coefficients are float32, as the reference's.
#include "diffusion/ddpm_sampler.h"

#include <torch/types.h>

#include <cmath>

namespace unclip {

using Variance = ScheduleConfig::Variance;

DdpmSampler::DdpmSampler(const ScheduleConfig& config, int64_t steps, int64_t skip,
                         NeighborBeta neighbor_beta)
    : ScheduledSampler(config, spread_timesteps(config, steps), skip), neighbor_beta_(neighbor_beta) {}

torch::Tensor DdpmSampler::deviation(const torch::Tensor& output, const torch::Tensor& x, float beta,
                                     float posterior) const {
  const auto predicted = [&] { return output.narrow(1, x.size(1), x.size(1)); };
  switch (config_.variance) {
    case Variance::fixed_large:
      return torch::tensor(std::sqrt(beta));
    case Variance::learned:
      return predicted().sqrt();
    case Variance::learned_range: {  // Nichol & Dhariwal 2021, eq. 15
      const torch::Tensor share = (predicted() + 1) / 2;
      return (0.5 * (share * std::log(beta) + (1 - share) * std::log(posterior))).exp();
    }
    case Variance::fixed_small:
    case Variance::fixed_small_log:
      break;
  }
  return torch::tensor(std::sqrt(posterior));
}

torch::Tensor DdpmSampler::step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                                NoiseSource& noise) {
  // 1. ᾱ at this timestep and the next one visited, and β between them
  const int64_t t = whole_timestep(i), t_next = i + 1 < timesteps().size() ? whole_timestep(i + 1) : -1;
  const float now = alpha_bar(t), next = t_next < 0 ? 1.0F : alpha_bar(t_next);
  const bool exact = neighbor_beta_ == NeighborBeta::schedule && t_next == t - 1;
  const float beta = exact ? this->beta(t) : 1 - now / next;

  // 2. mean of the posterior q(x_next | x_t, x_0) (eq. 7)
  const torch::Tensor x0 = estimate(i, output, x);
  const float x0_weight = std::sqrt(next) * beta / (1 - now);
  const float x_weight = std::sqrt(1 - beta) * (1 - next) / (1 - now);
  const torch::Tensor mean = x0_weight * x0 + x_weight * x;
  if (t == 0) return mean;

  // 3. noise: also after the last step, where that is not timestep 0, as in the reference
  const float posterior = std::max((1 - next) / (1 - now) * beta, 1e-20F);
  const torch::Tensor draw = noise.normal(x.sizes().slice(1));
  return mean + deviation(output, x, beta, posterior) * draw;  // a number stays on the CPU
}

}  // namespace unclip
