// 3×3 convolutions on the CPU by Winograd's minimal filtering (Lavin and Gray 2016, arXiv:1509.09308,
// F(2×2, 3×3)): 16 products for four results in place of 36, and 9 where the image is one that nearest
// neighbor doubles. In bfloat16 the points and the kernel's are rounded once more.
//
// Symbols: B batch, C channels, H W height and width, P points a side of a tile: 4, or 3 of a doubled image.
#pragma once

#include <torch/types.h>

namespace unclip {

// Whether winograd_conv2d() takes a kernel [out,in,3,3] of stride and padding 1 on this processor, and gains
// by it. Decided by channels alone: an image's bytes must not hang on what size came first.
bool suits_winograd(const torch::Tensor& weight);

// [out,in,3,3] → what winograd_conv2d() takes, in bfloat16 with two input channels beside one another: the
// kernel's points [P²,in·out], or of a large one the taps [in,9,out], since points would take 16/9 of their
// memory and are soon made, in proportion to the convolution. Both lie in blocks of output channels.
torch::Tensor winograd_kernel(const torch::Tensor& weight, bool doubled);

// x [B,in,H,W] → [B,out,H,W], or [B,out,2H,2W] where x is to be doubled first; channels-last. `residual`, of
// that shape, is added where it is defined, before anything is rounded.
torch::Tensor winograd_conv2d(const torch::Tensor& x, const torch::Tensor& kernel, const torch::Tensor& bias,
                              bool doubled, const torch::Tensor& residual = {});

}  // namespace unclip
