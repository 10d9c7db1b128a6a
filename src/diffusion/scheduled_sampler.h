// What all samplers share: a noise schedule, the timesteps that are visited, and the estimate
// of x_0. Settings are those that the reference's schedulers read from scheduler_config.json.
#pragma once

#include <memory>
#include <optional>

#include "checkpoint/config.h"
#include "diffusion/sampler.h"
#include "unclip/sampler_kind.h"

namespace unclip {

struct ScheduleConfig {
  enum class Beta { linear, scaled_linear, cosine };
  enum class Prediction { epsilon, sample, v };
  enum class Spacing { leading, trailing, linspace };
  enum class Variance { fixed_small, fixed_small_log, fixed_large, learned, learned_range };

  int64_t num_train_timesteps = 1000;
  Beta beta_schedule = Beta::linear;
  double beta_start = 0.0001, beta_end = 0.02;
  std::vector<float> trained_betas;     // instead of the schedule, where there are any
  bool rescale_betas_zero_snr = false;  // arXiv:2305.08891, algorithm 1
  Prediction prediction = Prediction::epsilon;
  bool clip_sample = true;
  double clip_sample_range = 1.0;  // predicted x_0 is kept in ± this
  bool thresholding = false;       // instead: in ± a quantile of itself, arXiv:2205.11487, section 2.3
  double dynamic_thresholding_ratio = 0.995;
  double sample_max_value = 1.0;   // the quantile's upper limit
  std::optional<Spacing> spacing;  // absent: leading, but linspace for DPM-Solver++
  int64_t steps_offset = 0;
  bool set_alpha_to_one = true;               // DDIM: ᾱ after the last step is 1, else ᾱ_0
  Variance variance = Variance::fixed_small;  // DDPM

  // From scheduler_config.json of any of the three, or of UnCLIPScheduler; throws Error(model) for a setting
  // that is unknown.
  static ScheduleConfig from(const Config& config);

  // The same, of what can only be UnCLIPScheduler: the cosine schedule, and what that class has.
  static ScheduleConfig from_unclip(const Config& config);

  torch::Tensor betas() const;           // β_t, float32 [num_train_timesteps]
  torch::Tensor alphas_cumprod() const;  // ᾱ_t, the same
};

class ScheduledSampler : public Sampler {
 public:
  const std::vector<int64_t>& timesteps() const override { return timesteps_; }

  // The forward process: x_t from x_0 and noise (arXiv:2006.11239, eq. 4).
  torch::Tensor add_noise(const torch::Tensor& x0, const torch::Tensor& noise, int64_t timestep) const;

  // The same from x at the timestep `from` to the later timestep `to`.
  torch::Tensor add_noise(const torch::Tensor& x, const torch::Tensor& noise, int64_t from, int64_t to) const;

 protected:
  // The last `steps` − `skip` of `steps` timesteps. Throws Error(usage) for counts the schedule cannot make.
  ScheduledSampler(const ScheduleConfig& config, std::vector<int64_t> timesteps, int64_t skip);

  float alpha_bar(int64_t timestep) const { return alphas_cumprod_.at(static_cast<size_t>(timestep)); }
  float beta(int64_t timestep) const { return betas_.at(static_cast<size_t>(timestep)); }

  // x_0 as the net sees it at x_t = √ᾱ x_0 + √(1−ᾱ) ε, clipped as the settings say. A variance that the net
  // predicts in more channels is not looked at.
  torch::Tensor predict_x0(const torch::Tensor& output, const torch::Tensor& x, float alpha,
                           float sigma) const;

  const ScheduleConfig config_;

 private:
  std::vector<int64_t> timesteps_;
  std::vector<float> betas_, alphas_cumprod_;
};

// `steps` timesteps from noise to picture, spread as the settings say.
std::vector<int64_t> spread_timesteps(const ScheduleConfig& config, int64_t steps);

// β_t of the cosine schedule, float32 [timesteps] (Nichol & Dhariwal 2021, arXiv:2102.09672, eq. 17).
torch::Tensor cosine_betas(int64_t timesteps);

// Starts after the first `skip` of `steps` steps, where less than all noise is to be taken away. `eta`: of
// DDIM.
std::unique_ptr<ScheduledSampler> make_sampler(SamplerKind kind, const ScheduleConfig& config, int64_t steps,
                                               int64_t skip = 0, double eta = 0);

}  // namespace unclip
