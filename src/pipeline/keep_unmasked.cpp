// Keeps a part of an image while the rest is drawn.
#include "keep_unmasked.h"

#include <torch/types.h>

namespace unclip {

KeepUnmasked::KeepUnmasked(std::unique_ptr<ScheduledSampler> inner, torch::Tensor latent, torch::Tensor kept,
                           torch::Tensor noise)
    : inner_(std::move(inner)),
      latent_(std::move(latent)),
      kept_(std::move(kept)),
      noise_(std::move(noise)) {}

torch::Tensor KeepUnmasked::step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                                 NoiseSource& noise) {
  const torch::Tensor drawn = inner_->step(i, output, x, noise);
  const bool last = i + 1 == timesteps().size();
  const torch::Tensor original = last ? latent_ : inner_->add_noise(latent_, noise_, i + 1);
  return kept_ * original + (1 - kept_) * drawn;
}

torch::Tensor KeepUnmasked::estimate(size_t i, const torch::Tensor& output, const torch::Tensor& x) const {
  return kept_ * latent_ + (1 - kept_) * inner_->estimate(i, output, x);
}

}  // namespace unclip
