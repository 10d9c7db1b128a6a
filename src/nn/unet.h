// The trunk that decoder and upsampler share: convolution in, down path, middle, up path with skips,
// convolution out, all told the time by one embedding (arXiv 2006.11239, appendix B; 2105.05233, section 3).
//
// Symbols: B batch, H W height and width, T width of the time embedding, L context tokens, D context width.
#pragma once

#include <string>
#include <vector>

#include "nn/timestep_embedding.h"
#include "nn/unet_blocks.h"

namespace unclip {

// What class_labels hold and how they join the time embedding.
enum class ClassEmbedding {
  none,
  table,       // int64 [B], a learned row each
  timestep,    // [B], embedded as the time is
  identity,    // [B,T], added as they are
  projection,  // [B,class_projection_dim], through two linear layers
};

// Lists hold one entry a level, the finest first (up_blocks: the coarsest first, as in config.json).
struct UNetConfig {
  int64_t in_channels = 3, out_channels = 3;
  std::vector<BlockKind> down_blocks, up_blocks;  // down_block_types, up_block_types
  std::vector<int64_t> block_out_channels;
  std::vector<int64_t> layers_per_block;  // on the way down; one more on the way up
  std::vector<int64_t>
      attention_head_dim;  // 0: one head as wide as the block; of transformers the number of heads
  std::vector<int64_t> cross_attention_dim;  // D
  std::vector<bool> only_cross_attention;
  std::vector<int64_t> transformer_layers;  // transformer_layers_per_block; of nets with transformers
  bool linear_projection = false;           // use_linear_projection, of theirs

  BlockAttention mid_attention = BlockAttention::none;
  int64_t mid_layers = 0;            // pairs of attention and residual block after the first block
  int64_t mid_attention_groups = 0;  // of self-attention's norm; 0: no norm
  bool mid_only_cross_attention = false;
  double mid_block_scale_factor = 1.0;

  int64_t norm_num_groups = 32;
  double norm_eps = 1e-5;
  bool scale_shift = false;              // resnet_time_scale_shift
  bool skip_time_act = false;            // no SiLU between time embedding and residual blocks
  double resnet_out_scale_factor = 1.0;  // of blocks whose resampler is a residual block
  int64_t downsample_padding = 1;
  int64_t conv_in_kernel = 3, conv_out_kernel = 3;

  bool flip_sin_to_cos = true;
  double freq_shift = 0;
  int64_t time_embedding_dim = 0;  // T; 0: 4 × the finest level's channels
  ClassEmbedding class_embedding = ClassEmbedding::none;
  int64_t num_class_embeds = 0;
  int64_t class_projection_dim = 0;

  int64_t temb_channels() const {
    return time_embedding_dim ? time_embedding_dim : 4 * block_out_channels[0];
  }
  // Throws Error(model), naming `origin`, when lists differ in length or groups do not divide channels.
  void check(const std::string& origin) const;
  // The same for the transformers of a level.
  void check_transformers(size_t level, const std::string& origin) const;
};

class UNetImpl : public torch::nn::Module {
 public:
  explicit UNetImpl(const UNetConfig& config);

  // timestep [] or [B]; class_labels as ClassEmbedding says. Gives [B,T] in the sample's dtype, before its
  // SiLU.
  torch::Tensor embed_time(const torch::Tensor& timestep, const torch::Tensor& sample,
                           const torch::Tensor& class_labels = {});

  // context [B,L,D] of nets with context, once for all steps.
  ReadContext read(const torch::Tensor& context);

  // sample [B,in,H,W], temb from embed_time, context and context_bias [B,1,1,L] in nets with context.
  // Gives [B,out,H,W] in the sample's dtype; channels-last in, channels-last out. With residual-block
  // resamplers H and W must be multiples of 2 to the number of resamplers.
  torch::Tensor denoise(const torch::Tensor& sample, const torch::Tensor& temb,
                        const ReadContext& context = {}, const torch::Tensor& context_bias = {});

 private:
  UNetConfig config_;
  Conv2d conv_in_;
  TimestepEmbedding time_embedding_;
  TimestepEmbedding class_embedding_{nullptr};  // ClassEmbedding::timestep, projection
  Embedding class_table_{nullptr};              // ClassEmbedding::table; the same key
  std::vector<DownBlock2D> down_blocks_;
  MidBlock2D mid_block_{nullptr};
  std::vector<UpBlock2D> up_blocks_;
  GroupNorm conv_norm_out_;
  Conv2d conv_out_;
};

}  // namespace unclip
