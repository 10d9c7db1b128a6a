// The last two stages of all latent families: a decoder draws a latent, an autoencoder makes an image of it.
//
// Symbols: B batch, h w the latent's height and width, f the autoencoder's reduction.
#pragma once

#include <functional>
#include <vector>

#include "diffusion/denoise.h"
#include "pipeline/pipeline.h"

namespace unclip {

struct LatentRun {
  Sampler& sampler;
  torch::Tensor start;  // x_T, float32 [B,4,h,w]
  Predict net;
  std::function<torch::Tensor(const torch::Tensor& latent)> decode;  // [B,4,h,w] → [B,3,f·h,f·w]
};

// Throws Error(jobs_failed) for latents and images that are not finite.
std::vector<Image> draw_latents(const LatentRun& run, NoiseSource& noise, const Previews& previews,
                                const Observer& observer, const DeviceAndDtype& target);

}  // namespace unclip
