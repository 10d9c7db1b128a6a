// Repainting a part of an image with a net that was never taught to: RePaint (Lugmayr et al. 2022,
// arXiv:2201.09865). After each step what is kept is taken from the image, noised as far as the step has
// come.
#pragma once

#include <memory>

#include "diffusion/scheduled_sampler.h"

namespace unclip {

// What stays as it is.
struct KeptPart {
  torch::Tensor x0;    // the image at the sample's scale, float32 [B,C,H,W]
  torch::Tensor mask;  // true where it is kept, bool [B,1,H,W]
};

class RepaintSampler final : public Sampler {
 public:
  // Each step of `inner` is taken `rounds` times, going back by as much noise in between, so that both parts
  // come to fit each other (algorithm 1 with jumps of one step). `inner` must not remember earlier steps.
  RepaintSampler(std::unique_ptr<ScheduledSampler> inner, KeptPart kept, size_t rounds);

  const std::vector<float>& timesteps() const override { return timesteps_; }
  float start_scale() const override { return inner_->start_scale(); }
  float input_scale(size_t i) const override { return inner_->input_scale(i / rounds_); }
  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override;
  torch::Tensor estimate(size_t i, const torch::Tensor& output, const torch::Tensor& x) const override {
    return inner_->estimate(i / rounds_, output, x);
  }

 private:
  std::unique_ptr<ScheduledSampler> inner_;
  KeptPart kept_;
  size_t rounds_;
  std::vector<float> timesteps_;  // each of inner's `rounds` times, the last one once
};

}  // namespace unclip
