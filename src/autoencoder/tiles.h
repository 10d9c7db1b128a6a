// Large images in overlapping tiles that fade into each other, so that memory does not grow with the image.
// The reference's tiled_encode and tiled_decode.
//
// Symbols: B batch, C channels, H W height and width.
#pragma once

#include <torch/types.h>

#include <functional>

namespace unclip {

// Whether an image [B,C,H,W] is wider or higher than `side`.
bool exceeds(const torch::Tensor& image, int64_t side);

// Calls `work` for tiles [B,C,side,side] of x [B,C,H,W], less at the right and lower edges, and joins what it
// makes of each, [B,C',made,made], to [B,C',H·made/side,W·made/side]. Neighbors overlap by a quarter.
torch::Tensor in_tiles(const torch::Tensor& x, int64_t side, int64_t made,
                       const std::function<torch::Tensor(const torch::Tensor&)>& work);

}  // namespace unclip
