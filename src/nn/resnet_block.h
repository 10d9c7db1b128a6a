// The residual block of all UNets: norm, SiLU, convolution, twice, with the time embedding in between.
//
// Symbols: B batch, C channels, H W height and width, T width of the time embedding.
#pragma once

#include "nn/layers.h"

namespace unclip {

// SiLU(GroupNorm(x) · (1 + scale) + shift), or without the middle part where scale is undefined; scale and
// shift [B,C,1,1]. The one place where the three passes over x can become one.
torch::Tensor norm_act(GroupNorm& norm, const torch::Tensor& x, const torch::Tensor& scale = {},
                       const torch::Tensor& shift = {});

// What all residual blocks of a net share.
struct ResnetOptions {
  int64_t temb_channels = 0;  // T
  int64_t groups = 32;        // of the norms; divides all channel counts
  double eps = 1e-5;          // of the norms
  bool scale_shift =
      false;  // the time embedding scales and shifts the second norm; else it is added before it
  double output_scale = 1.0;  // the sum of both branches is divided by it
};

// What a residual block does between its first norm and its first convolution.
enum class Resampling { none, down, up };

struct ResnetBlock2DImpl : torch::nn::Module {
  ResnetBlock2DImpl(int64_t in_channels, int64_t out_channels, const ResnetOptions& options,
                    Resampling resampling = Resampling::none);

  // x [B,in,H,W]; temb [B,T], already through the net's SiLU (or not, in nets that skip it): it is the same
  // for all blocks. Gives [B,out,H,W], [B,out,H/2,W/2] (down) or [B,out,2H,2W] (up), in x's memory format.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& temb);

  ResnetOptions options;
  Resampling resampling;
  GroupNorm norm1;
  Conv2d conv1;
  Linear time_emb_proj;
  GroupNorm norm2;
  Conv2d conv2;
  Conv2d conv_shortcut{nullptr};  // only where in and out differ

 private:
  torch::Tensor resample(const torch::Tensor& x) const;
};
TORCH_MODULE(ResnetBlock2D);

}  // namespace unclip
