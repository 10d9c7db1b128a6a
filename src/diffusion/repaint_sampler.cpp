// RePaint's algorithm 1 (see the header).
#include "diffusion/repaint_sampler.h"

#include <torch/types.h>

namespace unclip {

RepaintSampler::RepaintSampler(std::unique_ptr<ScheduledSampler> inner, KeptPart kept, size_t rounds)
    : inner_(std::move(inner)), kept_(std::move(kept)), rounds_(rounds) {
  for (const float t : inner_->timesteps()) timesteps_.insert(timesteps_.end(), rounds_, t);
  timesteps_.resize(timesteps_.size() - (rounds_ - 1));  // behind the last step there is no way back
}

torch::Tensor RepaintSampler::step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                                   NoiseSource& noise) {
  const size_t own = i / rounds_;
  const bool last = i + 1 == timesteps_.size(), again = !last && (i + 1) % rounds_ != 0;
  const auto draw = [&] { return noise.normal(x.sizes().slice(1)); };

  // 1. the known part, from q(x_next | x_0), and the unknown one, from the net
  const torch::Tensor known = last ? kept_.x0 : inner_->add_noise(kept_.x0, draw(), own + 1);
  const torch::Tensor unknown = inner_->step(own, output, x, noise);
  const torch::Tensor both = at::where(kept_.mask, known, unknown);

  // 2. back to where the step began, for another round
  return again ? inner_->noise_again(both, draw(), own) : both;
}

}  // namespace unclip
