// Halving and doubling of images between the levels of a UNet, in whatever memory format x has.
//
// Symbols: B batch, C channels, H W height and width.
#pragma once

#include "nn/layers.h"

namespace unclip {

// Mean of each 2×2 square; an odd last row or column is dropped. [B,C,H,W] → [B,C,H/2,W/2]
torch::Tensor average_pool_half(const torch::Tensor& x);

// Nearest neighbor to the given size. [B,C,H,W] → [B,C,height,width]
torch::Tensor upsample_nearest(const torch::Tensor& x, int64_t height, int64_t width);

// A 3×3 convolution of stride 2. Padding 1 is symmetric; 0 pads one row and column at the bottom right.
struct Downsample2DImpl : torch::nn::Module {
  explicit Downsample2DImpl(int64_t channels, int64_t padding = 1);
  torch::Tensor forward(const torch::Tensor& x);  // [B,C,H,W] → [B,C,⌈H/2⌉,⌈W/2⌉], with padding 0 ⌊H/2⌋,⌊W/2⌋

  int64_t padding;
  Conv2d conv;
};
TORCH_MODULE(Downsample2D);

// Nearest neighbor to the given size, then a 3×3 convolution.
struct Upsample2DImpl : torch::nn::Module {
  explicit Upsample2DImpl(int64_t channels);
  torch::Tensor forward(const torch::Tensor& x, int64_t height, int64_t width);  // → [B,C,height,width]

  Conv2d conv;
};
TORCH_MODULE(Upsample2D);

}  // namespace unclip
