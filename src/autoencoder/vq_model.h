// Kandinsky's autoencoder: image → latent of fewer positions, and back. MoVQ (arXiv:2209.09002) without its
// codebook, which checkpoints hold and unCLIP pipelines do not ask. The reference's VQModel.
//
// Symbols: B batch, H W height and width, f = reduction, Z latent channels.
#pragma once

#include "autoencoder/vq_blocks.h"
#include "checkpoint/config.h"

namespace unclip {

struct VQConfig {
  int64_t in_channels = 3, out_channels = 3;
  std::vector<int64_t> block_out_channels{64};
  std::vector<bool> down_attention{false}, up_attention{false};  // down_block_types, up_block_types
  int64_t layers_per_block = 1;                                  // of the encoder; the decoder has one more
  int64_t latent_channels = 3;                                   // Z
  int64_t num_vq_embeddings = 256;
  int64_t vq_embed_dim = 0;  // 0: Z
  int64_t norm_num_groups = 32;
  bool spatial_norm = false;  // norm_type
  bool mid_attention = true;  // mid_block_add_attention

  int64_t reduction() const { return int64_t{1} << (block_out_channels.size() - 1); }  // f

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
  void build_encoder();
  void build_decoder();

  struct Half {  // the encoder or the decoder
    Conv2d conv_in{nullptr}, conv_out{nullptr};
    std::vector<VqBlock> blocks;
    VqMidBlock mid_block{nullptr};
    std::optional<VqNorm> conv_norm_out;
  };
  Half encoder_, decoder_;
  Conv2d quant_conv_{nullptr}, post_quant_conv_{nullptr};
};
TORCH_MODULE(VQModel);

}  // namespace unclip
