// The noise schedule and how samplers are to use it: the settings that the reference's schedulers read from
// scheduler_config.json, of whichever class the file is.
#pragma once

#include <torch/types.h>

#include <optional>

#include "checkpoint/config.h"
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
  double sample_max_value = 1.0;         // the quantile's upper limit
  std::optional<Spacing> spacing;        // absent: as the sampler's own class has it
  int64_t steps_offset = 0;              // of leading timesteps
  std::optional<bool> set_alpha_to_one;  // DDIM, PNDM: ᾱ behind the last step is 1, not ᾱ_0; absent: as above
  Variance variance = Variance::fixed_small;  // DDPM

  // Euler, DPM-Solver++.
  bool use_karras_sigmas = false;        // arXiv:2206.00364, eq. 5
  bool ends_at_sigma_min = false;        // the noise of the first timestep is left in the sample
  bool interpolates_log_linear = false;  // Euler: log σ is evenly spread, not the timestep
  bool lower_order_final = true;         // DPM-Solver++: of fewer than 15 steps the last is of first order
  bool euler_at_final = false;           // DPM-Solver++: the last is, however many there are

  // From scheduler_config.json of any class in kSamplers; throws Error(model) for a setting that is unknown
  // or not followed.
  static ScheduleConfig from(const Config& config);

  // The same, of what can only be UnCLIPScheduler: the cosine schedule, and what that class has.
  static ScheduleConfig from_unclip(const Config& config);

  torch::Tensor betas() const;           // β_t, float32 [num_train_timesteps]
  torch::Tensor alphas_cumprod() const;  // ᾱ_t, the same

  // The forward process: x_t from x_0 and noise (arXiv:2006.11239, eq. 4), 0 ≤ timestep <
  // num_train_timesteps.
  torch::Tensor add_noise(const torch::Tensor& x0, const torch::Tensor& noise, int64_t timestep) const;
};

// The sampler that scheduler_config.json is the file of; throws Error(model) unless its class is in
// kSamplers.
SamplerKind own_sampler(const Config& config);

// β_t of the cosine schedule, float32 [timesteps] (Nichol & Dhariwal 2021, arXiv:2102.09672, eq. 17).
torch::Tensor cosine_betas(int64_t timesteps);

// √ of each float32, rounded right. The library's rounds as the processor likes, and a schedule without
// signal begins at σ = 4096, where one bit more or less is 1e-4 of an image.
torch::Tensor rounded_root(const torch::Tensor& values);

}  // namespace unclip
