// 8-bit images to tensors.
#include "from_images.h"

#include <torch/types.h>

namespace unclip {

torch::Tensor to_tensor(const Image& image) {
  const torch::Tensor bytes = torch::tensor(image.pixels, torch::kUInt8)
                                  .view({1, image.height, image.width, image.channels})
                                  .permute({0, 3, 1, 2});  // [1,C,H,W]
  return bytes.to(torch::kFloat32) / 255;
}

}  // namespace unclip
