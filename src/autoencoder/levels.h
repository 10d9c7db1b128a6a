// What the autoencoders share: an encoder that halves an image level by level, and a decoder that doubles it
// again (Esser et al. 2021, arXiv:2012.09841, appendix A). The reference's Encoder and Decoder.
//
// Symbols: B batch, H W height and width, f = reduction, Z latent channels.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "autoencoder/vq_blocks.h"
#include "checkpoint/config.h"

namespace unclip {

// The keys that the autoencoders' configs have in common. Lists hold one entry a level, the finest first.
struct AutoencoderLevels {
  int64_t in_channels = 3, out_channels = 3;
  std::vector<int64_t> block_out_channels{64};
  std::vector<bool> down_attention{false}, up_attention{false};  // down_block_types, up_block_types
  int64_t layers_per_block = 1;                                  // of the encoder; the decoder has one more
  int64_t norm_num_groups = 32;
  bool mid_attention = true;  // mid_block_add_attention

  int64_t reduction() const { return int64_t{1} << (block_out_channels.size() - 1); }  // f

  // Reads them with the reference's defaults for absent keys; throws Error(model) for settings that are not
  // built.
  void read(const Config& config);
  // Throws Error(model) unless the groups of all norms divide all channels.
  void check_groups(int64_t groups, const Config& config) const;
};

// Keys conv_in, down_blocks, mid_block, conv_norm_out, conv_out.
struct LevelEncoderImpl : torch::nn::Module {
  LevelEncoderImpl(const AutoencoderLevels& levels, int64_t out_channels);
  torch::Tensor forward(const torch::Tensor& image);  // [B,3,H,W] → [B,out,H/f,W/f]

  Conv2d conv_in, conv_out;
  std::vector<VqBlock> down_blocks;
  VqMidBlock mid_block{nullptr};
  std::optional<VqNorm> conv_norm_out;
};
TORCH_MODULE(LevelEncoder);

// Keys conv_in, up_blocks, mid_block, conv_norm_out, conv_out.
struct LevelDecoderImpl : torch::nn::Module {
  // `options`: of its norms.
  LevelDecoderImpl(const AutoencoderLevels& levels, int64_t latent_channels, const VqBlockOptions& options);
  // x [B,Z,h,w]; latent, which spatial norms are told, [B,Z,h,w] or undefined → [B,3,f·h,f·w]
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& latent = {});

  Conv2d conv_in, conv_out;
  std::vector<VqBlock> up_blocks;
  VqMidBlock mid_block{nullptr};
  std::optional<VqNorm> conv_norm_out;
};
TORCH_MODULE(LevelDecoder);

}  // namespace unclip
