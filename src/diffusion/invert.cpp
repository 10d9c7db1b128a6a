// DDIM steps, undone from the last to the first (see the header).
#include "diffusion/invert.h"

#include <torch/types.h>

namespace unclip {

torch::Tensor invert(DdimSampler& sampler, const torch::Tensor& x0, const Predict& predict, int64_t rounds,
                     const StepDone& step_done) {
  NoiseSource none({}, x0.device());
  torch::Tensor x = x0;
  for (size_t i = sampler.timesteps().size(); i-- > 0;) {
    // Find x with step(x) = after. With the net's answer held fixed, step() is linear in x, which gives the
    // next estimate; from x = after this is Dhariwal & Nichol's inversion.
    const torch::Tensor after = x;
    for (int64_t round = 0; round < rounds; ++round)
      x = x + (after - sampler.step(i, predict(x, sampler.timesteps()[i]), x, none)) / sampler.scale(i);
    step_done([&] { return x0; });
  }
  return x;
}

}  // namespace unclip
