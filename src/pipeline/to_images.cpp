// Tensors in −1…1 to 8-bit RGB.
#include "to_images.h"

#include <torch/types.h>

#include "device/hand_over.h"

namespace unclip {

torch::Tensor to_bytes(const torch::Tensor& tensor) {
  return (tensor.to(torch::kFloat32) * 0.5 + 0.5)
      .clamp(0, 1)
      .mul(255)
      .round()
      .to(torch::kUInt8)
      .permute({0, 2, 3, 1})
      .contiguous();
}

std::vector<Image> images_of(const torch::Tensor& bytes) {
  std::vector<Image> images;
  for (int64_t i = 0; i < bytes.size(0); ++i) {
    const torch::Tensor one = bytes[i];
    const auto* begin = one.const_data_ptr<uint8_t>();
    images.push_back({static_cast<int>(one.size(1)), static_cast<int>(one.size(0)), 3,
                      std::vector<uint8_t>(begin, begin + one.numel())});
  }
  return images;
}

std::vector<Image> to_images(const torch::Tensor& tensor) {
  return images_of(Homeward(to_bytes(tensor)).wait());
}

}  // namespace unclip
