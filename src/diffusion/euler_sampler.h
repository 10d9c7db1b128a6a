// Euler's method on the diffusion ODE, and its ancestral kind, which takes away more noise than the step asks
// for and adds new noise (Karras et al. 2022, arXiv:2206.00364, algorithm 1; Song et al. 2020,
// arXiv:2011.13456). x = x_0 + σ ε here, so its variance grows with the noise. Reference: diffusers
// EulerDiscreteScheduler, EulerAncestralDiscreteScheduler.
#pragma once

#include "diffusion/sigma_sampler.h"

namespace unclip {

class EulerSampler final : public SigmaSampler {
 public:
  enum class Noise { none, ancestral };

  EulerSampler(const ScheduleConfig& config, int64_t steps, int64_t skip, Noise added);

  float start_scale() const override;
  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override;

 private:
  Level level(size_t i) const override;

  Noise added_;
};

}  // namespace unclip
