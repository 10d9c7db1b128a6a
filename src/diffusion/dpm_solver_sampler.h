// DPM-Solver++(2M) (Lu et al. 2022, arXiv:2211.01095, algorithm 2): a second-order multistep solver of the
// diffusion ODE, for images in 15 to 25 steps. Reference: diffusers DPMSolverMultistepScheduler.
#pragma once

#include "diffusion/sigma_sampler.h"

namespace unclip {

class DpmSolverSampler final : public SigmaSampler {
 public:
  DpmSolverSampler(const ScheduleConfig& config, int64_t steps, int64_t skip = 0);

  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override;

 private:
  Level level(size_t i) const override;
  bool is_first_order(size_t i) const;

  int64_t steps_;          // with those that are skipped
  torch::Tensor last_x0_;  // of the step before
};

}  // namespace unclip
