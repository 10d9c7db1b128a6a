// The last step of every family: tensors to bytes.
#pragma once

#include <torch/types.h>

#include <vector>

#include "unclip/image.h"

namespace unclip {

// A tensor [B,3,H,W] in −1…1 → bytes [B,H,W,3], a quarter of it; values outside are clamped, halves round to
// even as in the reference.
torch::Tensor to_bytes(const torch::Tensor& tensor);

// Bytes [B,H,W,3] of the CPU → B images.
std::vector<Image> images_of(const torch::Tensor& bytes);

// Both, with the way home between them.
std::vector<Image> to_images(const torch::Tensor& tensor);

}  // namespace unclip
