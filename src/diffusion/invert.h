// DDIM inversion (Dhariwal & Nichol 2021, arXiv:2105.05233, appendix F; unCLIP section 3): from an image to
// the noise from which deterministic DDIM draws that image.
#pragma once

#include "diffusion/ddim_sampler.h"
#include "diffusion/denoise.h"

namespace unclip {

// x_0 → x_T for a sampler without added noise. Each of its steps is undone by a fixed-point iteration of
// `rounds` calls of the net; one round is the usual inversion, more of them rebuild the image more exactly.
torch::Tensor invert(DdimSampler& sampler, const torch::Tensor& x0, const Predict& predict, int64_t rounds,
                     const StepDone& step_done);

}  // namespace unclip
