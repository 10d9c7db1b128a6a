// Ancestral sampling (Ho et al. 2020, arXiv:2006.11239, eq. 7) over evenly spread timesteps, with β between
// those that are visited: the sampler of Karlo's stages and of all priors, and Kandinsky 2.2's own.
// Reference: diffusers UnCLIPScheduler and DDPMScheduler, which differ in their timesteps.
#pragma once

#include "diffusion/scheduled_sampler.h"

namespace unclip {

class DdpmSampler final : public ScheduledSampler {
 public:
  // Where β between a timestep and its very neighbor comes from: the same but for rounding, which the
  // reference's two classes do each in its own way.
  enum class NeighborBeta { ratio, schedule };

  DdpmSampler(const ScheduleConfig& config, int64_t steps, int64_t skip = 0,
              NeighborBeta neighbor_beta = NeighborBeta::ratio);

  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override;

 private:
  // Standard deviation of the noise, [] or [B,C,...] where the net predicts it.
  torch::Tensor deviation(const torch::Tensor& output, const torch::Tensor& x, float beta,
                          float posterior) const;

  NeighborBeta neighbor_beta_;
};

}  // namespace unclip
