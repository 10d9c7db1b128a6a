// PNDM without its Runge-Kutta start, also called PLMS (Liu et al. 2022, arXiv:2202.09778): DDIM's step along
// a slope that is extrapolated from the net's last four answers. The sampler of Stable Diffusion 1.
// Reference: diffusers PNDMScheduler with skip_prk_steps.
#pragma once

#include "diffusion/scheduled_sampler.h"

namespace unclip {

class PndmSampler final : public ScheduledSampler {
 public:
  // The first step is taken twice, so `steps` steps ask the net once more.
  PndmSampler(const ScheduleConfig& config, int64_t steps, int64_t skip = 0);

  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override;

 private:
  torch::Tensor extrapolated() const;

  int64_t stride_;                      // timesteps from one step to the next
  std::vector<torch::Tensor> outputs_;  // the last four, newest last
  torch::Tensor start_;                 // x before the first step
};

}  // namespace unclip
