// Ancestral sampling (Ho et al. 2020, arXiv:2006.11239, eq. 7) over evenly spread timesteps: Kandinsky 2.2's
// own sampler. Reference: diffusers DDPMScheduler.
#pragma once

#include "diffusion/scheduled_sampler.h"

namespace unclip {

class DdpmSampler final : public ScheduledSampler {
 public:
  DdpmSampler(const ScheduleConfig& config, int64_t steps, int64_t skip = 0);

  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override;

 private:
  // Standard deviation of the noise, [] or [B,C,...] where the net predicts it.
  torch::Tensor deviation(const torch::Tensor& output, const torch::Tensor& x, float beta,
                          float posterior) const;
};

}  // namespace unclip
