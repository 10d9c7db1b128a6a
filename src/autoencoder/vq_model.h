// Kandinsky's autoencoder: image → latent of fewer positions, and back. MoVQ (arXiv:2209.09002) without its
// codebook, which checkpoints hold and unCLIP pipelines do not ask. The reference's VQModel.
//
// Symbols: B batch, H W height and width, f = reduction, Z latent channels.
#pragma once

#include "autoencoder/levels.h"

namespace unclip {

struct VQConfig : AutoencoderLevels {
  int64_t latent_channels = 3;  // Z
  int64_t num_vq_embeddings = 256;
  int64_t vq_embed_dim = 0;   // 0: Z
  bool spatial_norm = false;  // norm_type

  // Absent keys get the reference's defaults; settings that are not built throw Error(model).
  static VQConfig from(const Config& config);
};

class VQModelImpl : public torch::nn::Module {
 public:
  explicit VQModelImpl(const VQConfig& config);

  torch::Tensor encode(const torch::Tensor& image);   // [B,3,H,W] in −1…1 → [B,Z,H/f,W/f]
  torch::Tensor decode(const torch::Tensor& latent);  // [B,Z,h,w] → [B,3,f·h,f·w]

  const VQConfig config;

 private:
  LevelEncoder encoder_{nullptr};
  LevelDecoder decoder_{nullptr};
  Conv2d quant_conv_{nullptr}, post_quant_conv_{nullptr};
};
TORCH_MODULE(VQModel);

}  // namespace unclip
