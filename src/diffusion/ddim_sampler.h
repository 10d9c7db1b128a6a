// DDIM without added noise (Song et al. 2020, arXiv:2010.02502, eq. 12 with σ = 0): Kandinsky 2.1's own
// sampler. Reference: diffusers DDIMScheduler.
#pragma once

#include "diffusion/scheduled_sampler.h"

namespace unclip {

class DdimSampler final : public ScheduledSampler {
 public:
  DdimSampler(const ScheduleConfig& config, int64_t steps, int64_t skip = 0);

  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override;

 private:
  int64_t stride_;  // timesteps from one step to the next
};

}  // namespace unclip
