// Stable Diffusion's autoencoder: image → normal distribution over latents of fewer positions, latent → image
// (Rombach et al. 2022, arXiv:2112.10752, section 3.1). The reference's AutoencoderKL.
//
// Symbols: B batch, H W height and width, f = reduction, Z latent channels.
#pragma once

#include "autoencoder/levels.h"

namespace unclip {

struct AutoencoderKLConfig : AutoencoderLevels {
  int64_t latent_channels = 4;      // Z
  double scaling_factor = 0.18215;  // latents · this have unit variance: what diffusion nets work on
  int64_t sample_size = 32;         // pixels; a side of a tile, where images are worked on in tiles
  bool quant_conv = true, post_quant_conv = true;  // use_quant_conv, use_post_quant_conv

  // Absent keys get the reference's defaults; settings that are not built throw Error(model).
  static AutoencoderKLConfig from(const Config& config);
};

struct LatentDistribution {
  torch::Tensor mean, logvar;  // [B,Z,H/f,W/f]

  // noise [B,Z,H/f,W/f], standard normal → a latent of the distribution
  torch::Tensor sample(const torch::Tensor& noise) const;
};

class AutoencoderKLImpl : public torch::nn::Module {
 public:
  explicit AutoencoderKLImpl(const AutoencoderKLConfig& config);

  // Where `tiled`, images with more than sample_size pixels a side are worked on in tiles of that size, which
  // overlap by a quarter and fade into each other: less memory, nearly the same result. Latents are unscaled.
  LatentDistribution encode(const torch::Tensor& image, bool tiled = false);  // [B,3,H,W] in −1…1
  torch::Tensor decode(const torch::Tensor& latent, bool tiled = false);      // [B,Z,h,w] → [B,3,f·h,f·w]

  const AutoencoderKLConfig config;

 private:
  torch::Tensor moments(const torch::Tensor& image);  // [B,3,H,W] → [B,2Z,H/f,W/f]
  torch::Tensor decode_whole(const torch::Tensor& latent);

  LevelEncoder encoder_{nullptr};
  LevelDecoder decoder_{nullptr};
  Conv2d quant_conv_{nullptr}, post_quant_conv_{nullptr};
};
TORCH_MODULE(AutoencoderKL);

}  // namespace unclip
