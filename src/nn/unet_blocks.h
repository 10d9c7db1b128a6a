// The blocks of a UNet, one class a direction: a level is residual blocks, each perhaps followed by
// attention, and perhaps a resampler. The reference's block types differ only in which attention and which
// resampler.
//
// Symbols: B batch, C channels, H W height and width, T width of the time embedding, L context tokens, D its
// width.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nn/attention_2d.h"
#include "nn/resample.h"
#include "nn/resnet_block.h"
#include "nn/transformer_2d.h"

namespace unclip {

enum class BlockAttention {
  none,
  self,
  added_kv,     // Attention2D, which reads the context beside the image
  transformer,  // Transformer2DModel
};
enum class BlockResampler { conv, resnet };

struct BlockKind {
  BlockAttention attention;
  BlockResampler resampler;
};

// What the names in down_block_types and up_block_types of the file `origin` mean. Throws Error(model) for
// names that are not built: another block is one more line in the table behind these, another attention one
// more BlockAttention.
std::vector<BlockKind> down_block_kinds(const std::vector<std::string>& types, const std::string& origin);
std::vector<BlockKind> up_block_kinds(const std::vector<std::string>& types, const std::string& origin);

// What a forward pass gives to all blocks beside the image.
struct BlockInputs {
  torch::Tensor temb;          // [B,T], see ResnetBlock2D
  ContextReader context;       // of nothing in nets without
  torch::Tensor context_bias;  // [B,1,1,L] added to attention scores, or undefined
};

struct BlockOptions {
  BlockKind kind{BlockAttention::none, BlockResampler::conv};
  int64_t in_channels = 0;  // of a down block's input; of the shallowest skip an up block takes
  int64_t out_channels = 0;
  int64_t previous_channels = 0;  // up blocks: of the input from below
  int64_t layers = 1;
  bool resample = true;  // false at a path's last block
  int64_t downsample_padding = 1;
  ResnetOptions resnet;
  Attention2DOptions attention;
  Transformer2DOptions transformer;
};

// What stands after each residual block of a level, in the middle before each but the first. Key attentions.
class LevelAttention {
 public:
  // Registers `layers` of them with the level, as its kind says; none for BlockAttention::none.
  LevelAttention(torch::nn::Module& level, const BlockOptions& options, int64_t channels);
  void read(const torch::Tensor& context, ReadContext& read);
  // The i-th of them; x itself where there are none. [B,C,H,W] → the same
  torch::Tensor operator()(size_t i, const torch::Tensor& x, BlockInputs& inputs);

 private:
  std::vector<Attention2D> attentions_;  // at most one of the two
  std::vector<Transformer2DModel> transformers_;
};

struct DownBlock2DImpl : torch::nn::Module {
  explicit DownBlock2DImpl(const BlockOptions& options);
  // [B,in,H,W] → [B,out,H/2,W/2] (H,W without resampler); appends each layer's and the resampler's result to
  // skips.
  torch::Tensor forward(torch::Tensor x, BlockInputs& inputs, std::vector<torch::Tensor>& skips);

  std::vector<ResnetBlock2D> resnets;
  std::optional<LevelAttention> attentions;
  Downsample2D downsample_conv{nullptr};  // key downsamplers.0; at most one of the two
  ResnetBlock2D downsample_resnet{nullptr};
};
TORCH_MODULE(DownBlock2D);

struct UpBlock2DImpl : torch::nn::Module {
  explicit UpBlock2DImpl(const BlockOptions& options);
  // [B,previous,H,W] → [B,out,2H,2W] (H,W without resampler); takes one skip a layer off the end of skips. A
  // conv upsampler goes to the size of the next skip, so that odd sizes come back.
  torch::Tensor forward(torch::Tensor x, BlockInputs& inputs, std::vector<torch::Tensor>& skips);

  std::vector<ResnetBlock2D> resnets;
  std::optional<LevelAttention> attentions;
  Upsample2D upsample_conv{nullptr};  // key upsamplers.0; at most one of the two
  ResnetBlock2D upsample_resnet{nullptr};
};
TORCH_MODULE(UpBlock2D);

// A residual block, then `layers` times attention (if any) and a residual block; in_channels throughout.
struct MidBlock2DImpl : torch::nn::Module {
  explicit MidBlock2DImpl(const BlockOptions& options);
  torch::Tensor forward(torch::Tensor x, BlockInputs& inputs);  // [B,C,H,W] → the same

  std::vector<ResnetBlock2D> resnets;
  std::optional<LevelAttention> attentions;
};
TORCH_MODULE(MidBlock2D);

}  // namespace unclip
