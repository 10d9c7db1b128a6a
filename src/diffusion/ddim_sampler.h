// DDIM (Song et al. 2020, arXiv:2010.02502, eq. 12), without added noise unless η asks for it:
// Kandinsky 2.1's own sampler. Reference: diffusers DDIMScheduler.
#pragma once

#include "diffusion/scheduled_sampler.h"

namespace unclip {

class DdimSampler final : public ScheduledSampler {
 public:
  // `eta`: η, 0…1: the share of ancestral sampling's noise that each step adds.
  DdimSampler(const ScheduleConfig& config, int64_t steps, int64_t skip = 0, double eta = 0);

  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override;

  // Factor by which a step scales x where the net's answer stays the same: √(ᾱ_next / ᾱ_now).
  double scale(size_t i) const;

 private:
  struct AlphaBars {
    float now, next;
  };
  AlphaBars alpha_bars(size_t i) const;

  int64_t stride_;  // timesteps from one step to the next
  double eta_;
};

}  // namespace unclip
