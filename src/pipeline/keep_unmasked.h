// A sampler that puts what a mask keeps of an image back after each step, noised as far as the step has come.
// Reference: KandinskyV22InpaintPipeline, StableDiffusionInpaintPipeline with a net that has no input for a
// mask.
//
// Symbols: B batch, C channels, h w height and width.
#pragma once

#include <memory>

#include "diffusion/scheduled_sampler.h"

namespace unclip {

class KeepUnmasked final : public Sampler {
 public:
  // `latent` [B,C,h,w] of the image, `kept` [B,1,h,w] 1 where it is kept and 0 where not, `noise` [B,C,h,w]
  // that it is noised with: what `inner` starts from.
  KeepUnmasked(std::unique_ptr<ScheduledSampler> inner, torch::Tensor latent, torch::Tensor kept,
               torch::Tensor noise);

  const std::vector<float>& timesteps() const override { return inner_->timesteps(); }
  float start_scale() const override { return inner_->start_scale(); }
  float input_scale(size_t i) const override { return inner_->input_scale(i); }
  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override;
  torch::Tensor estimate(size_t i, const torch::Tensor& output, const torch::Tensor& x) const override;

 private:
  std::unique_ptr<ScheduledSampler> inner_;
  torch::Tensor latent_, kept_, noise_;
};

}  // namespace unclip
