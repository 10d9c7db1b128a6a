// The sampler of Karlo's prior, decoder and upsampler, and of Kandinsky's prior: ancestral DDPM sampling
// (Ho et al. 2020, arXiv:2006.11239, eq. 7) over few, evenly spread timesteps, with β recomputed from the
// timestep that is really visited next. Reference: diffusers UnCLIPScheduler.
#pragma once

#include "checkpoint/config.h"
#include "diffusion/sampler.h"

namespace unclip {

struct UnclipSamplerConfig {
  enum class Variance {
    fixed_small_log,  // the posterior's variance β̃
    learned_range,    // between β̃ and β, where the net says (Nichol & Dhariwal 2021, eq. 15)
  };
  enum class Prediction { epsilon, sample };

  int64_t num_train_timesteps = 1000;
  Variance variance = Variance::fixed_small_log;
  Prediction prediction = Prediction::epsilon;
  bool clip_sample = true;
  double clip_sample_range = 1.0;  // predicted x_0 is kept in ± this

  // From scheduler_config.json; throws Error(model) for a setting that is unknown.
  static UnclipSamplerConfig from(const Config& config);
};

// β_t of the cosine schedule, float32 [timesteps] (Nichol & Dhariwal 2021, arXiv:2102.09672, eq. 17).
torch::Tensor cosine_betas(int64_t timesteps);

class UnclipSampler final : public Sampler {
 public:
  // Throws Error(usage) unless 2 ≤ steps ≤ num_train_timesteps: the spacing divides by steps − 1.
  UnclipSampler(const UnclipSamplerConfig& config, int64_t steps);

  const std::vector<int64_t>& timesteps() const override { return timesteps_; }
  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override;

 private:
  UnclipSamplerConfig config_;
  std::vector<int64_t> timesteps_;
  std::vector<float> betas_, alphas_cumprod_;
};

}  // namespace unclip
