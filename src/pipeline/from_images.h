// The first step of tasks that are given images: bytes to tensors.
#pragma once

#include <torch/types.h>

#include "unclip/image.h"

namespace unclip {

// float32 [1,C,H,W] in 0…1.
torch::Tensor to_tensor(const Image& image);

}  // namespace unclip
