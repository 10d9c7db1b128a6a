// Images as rows of positions, and back: views of one memory where images are channels-last. Said by
// permute, since torch gives a view of a single image a first stride by which it no longer takes it for
// channels-last, and copies it at the next operation.
//
// Symbols: B batch, C channels, H W height and width.
#pragma once

#include <torch/types.h>

namespace unclip {

// [B,C,H,W] → [B,H·W,C]
inline torch::Tensor to_rows(const torch::Tensor& image) { return image.permute({0, 2, 3, 1}).flatten(1, 2); }

// [B,H·W,C] → [B,C,H,W], channels-last
inline torch::Tensor to_image(const torch::Tensor& rows, int64_t height, int64_t width) {
  return rows.unflatten(1, {height, width}).permute({0, 3, 1, 2});
}

}  // namespace unclip
