// The last step of every family: tensors to bytes.
#pragma once

#include <torch/types.h>

#include <vector>

#include "unclip/image.h"

namespace unclip {

// A tensor [B,3,H,W] in −1…1 → B images; values outside are clamped, halves round to even as in the
// reference.
std::vector<Image> to_images(const torch::Tensor& tensor);

}  // namespace unclip
