// The denoise loop and classifier-free guidance, written once for the prior, the decoder and the upsamplers.
#pragma once

#include <functional>

#include "diffusion/sampler.h"

namespace unclip {

// The net's answer for a batch at one timestep, which may stand between two whole ones:
// (x [B, ...] float32, timestep) → [B, ...] float32.
using Predict = std::function<torch::Tensor(const torch::Tensor& x, float timestep)>;

// What the net took the sample for, x_0 [B, ...], in the step that was made. Computed when it is asked for.
using Estimate = std::function<torch::Tensor()>;

// Called after each step; may throw to stop (a signal).
using StepDone = std::function<void(const Estimate&)>;

// Runs `predict` and `sampler` from the noise x_T to the sample x_0. An image for which the net gave NaN or
// infinity at any step comes out as NaN as a whole: clipping to a range would hide it.
torch::Tensor denoise(Sampler& sampler, torch::Tensor x, const Predict& predict, NoiseSource& noise,
                      const StepDone& step_done);

// Classifier-free guidance (Ho & Salimans 2022, arXiv:2207.12598): `net` is asked once for the doubled batch
// [unconditional; conditional] and the two answers are combined, uncond + scale · (cond − uncond).
// `scale`: float32 [B], one for each image. Channels past the sample's own, a predicted variance, are taken
// from the conditional half.
Predict guided(Predict net, torch::Tensor scale);

}  // namespace unclip
