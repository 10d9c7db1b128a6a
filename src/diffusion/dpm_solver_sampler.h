// DPM-Solver++(2M) (Lu et al. 2022, arXiv:2211.01095, algorithm 2): a second-order multistep solver of the
// diffusion ODE, for pictures in 15 to 25 steps. Reference: diffusers DPMSolverMultistepScheduler.
#pragma once

#include "diffusion/scheduled_sampler.h"

namespace unclip {

class DpmSolverSampler final : public ScheduledSampler {
 public:
  DpmSolverSampler(const ScheduleConfig& config, int64_t steps, int64_t skip = 0);

  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override;

 private:
  // A timestep's share of picture and noise, and half their log ratio; after the last step 1, 0 and ∞.
  struct Level {
    float alpha, sigma, lambda;
  };
  Level level(size_t i) const;

  torch::Tensor last_x0_;  // of the step before
};

}  // namespace unclip
