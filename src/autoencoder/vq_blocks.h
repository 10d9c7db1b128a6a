// The blocks of autoencoders: residual blocks, attention over positions, halving and doubling. In MoVQ's
// decoder (Zheng et al. 2022, arXiv:2209.09002) every norm is told the latent, so that an image's places keep
// apart.
//
// Symbols: B batch, C channels, H W height and width, Z latent channels, h w latent height and width.
#pragma once

#include <string>
#include <vector>

#include "nn/resample.h"

namespace unclip {

// norm(x) · y(latent) + b(latent): group norm whose scale and shift follow the latent ("spatially conditional
// normalization", section 3.1). Keys norm_layer, conv_y, conv_b.
struct SpatialNormImpl : torch::nn::Module {
  SpatialNormImpl(int64_t channels, int64_t latent_channels);
  // x [B,C,H,W], latent [B,Z,h,w] with H and W multiples of h and w → [B,C,H,W]
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& latent);

  GroupNorm norm_layer;
  Conv2d conv_y, conv_b;
};
TORCH_MODULE(SpatialNorm);

struct VqBlockOptions {
  int64_t groups = 32;          // of plain norms
  int64_t latent_channels = 0;  // Z: spatial norms; 0: plain ones
};

// One of both norms, as the options say.
class VqNorm {
 public:
  VqNorm(torch::nn::Module& owner, const std::string& key, int64_t channels, const VqBlockOptions& options);
  torch::Tensor operator()(const torch::Tensor& x, const torch::Tensor& latent);
  torch::Tensor activated(const torch::Tensor& x, const torch::Tensor& latent);  // then SiLU

 private:
  GroupNorm plain_{nullptr};
  SpatialNorm spatial_{nullptr};
};

struct VqResnetBlockImpl : torch::nn::Module {
  VqResnetBlockImpl(int64_t in_channels, int64_t out_channels, const VqBlockOptions& options);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& latent);  // [B,in,H,W] → [B,out,H,W]

  VqNorm norm1, norm2;
  Conv2d conv1, conv2, conv_shortcut{nullptr};  // the last only where in and out differ
};
TORCH_MODULE(VqResnetBlock);

// One head as wide as the image has channels.
struct VqAttentionImpl : torch::nn::Module {
  VqAttentionImpl(int64_t channels, const VqBlockOptions& options);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& latent);  // [B,C,H,W] → the same

  VqNorm norm;  // key group_norm or spatial_norm
  Linear to_q, to_k, to_v, to_out;
};
TORCH_MODULE(VqAttention);

enum class VqResampler { none, down, up };

// A level of the encoder or decoder: residual blocks, each perhaps followed by attention, perhaps a
// resampler.
struct VqBlockImpl : torch::nn::Module {
  VqBlockImpl(int64_t in_channels, int64_t out_channels, int64_t layers, bool attention,
              VqResampler resampler, const VqBlockOptions& options);
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& latent);

  std::vector<VqResnetBlock> resnets;
  std::vector<VqAttention> attentions;  // one a resnet, or none
  Downsample2D downsample{nullptr};     // key downsamplers.0
  Upsample2D upsample{nullptr};         // key upsamplers.0
};
TORCH_MODULE(VqBlock);

// A residual block, attention (or none), a residual block.
struct VqMidBlockImpl : torch::nn::Module {
  VqMidBlockImpl(int64_t channels, bool attention, const VqBlockOptions& options);
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& latent);

  std::vector<VqResnetBlock> resnets;
  std::vector<VqAttention> attentions;
};
TORCH_MODULE(VqMidBlock);

}  // namespace unclip
