// Images and masks of requests → tensors (see the header).
#include "kept_part.h"

#include <torch/types.h>

#include "from_images.h"
#include "image/resize.h"
#include "refuse.h"
#include "unclip/error.h"

namespace unclip {

bool repaints(const std::vector<ImageRequest>& batch) {
  const bool masked = batch.front().mask != nullptr;
  for (const ImageRequest& request : batch) {
    if ((request.mask != nullptr) != masked)
      throw Error(ExitCode::usage, "expected a mask for every image of a batch, or for none");
    if (masked && (!request.init_image || request.init_image->width != request.mask->width ||
                   request.init_image->height != request.mask->height))
      throw Error(ExitCode::usage, "expected an image of the mask's size", "make both the same size");
  }
  return masked;
}

void reject_repainting(SamplerKind kind) {
  reject_if(remembers_steps(kind), "sampler",
            sampler_name(kind) + " remembers earlier steps, which repainting takes back");
}

torch::Tensor init_images(const std::vector<ImageRequest>& batch, int64_t width, int64_t height) {
  std::vector<torch::Tensor> images;
  for (const ImageRequest& request : batch)
    images.push_back(to_tensor(resize(to_rgb(*request.init_image), static_cast<int>(width),
                                      static_cast<int>(height), ResizeFilter::bicubic,
                                      /*reduce_first=*/true)));
  return at::cat(images) * 2 - 1;
}

torch::Tensor kept_positions(const std::vector<ImageRequest>& batch, int64_t width, int64_t height) {
  std::vector<torch::Tensor> kept;
  for (const ImageRequest& request : batch) {
    const torch::Tensor repainted = to_tensor(to_gray(*request.mask));  // [1,1,H,W]
    kept.push_back(std::get<0>(at::adaptive_max_pool2d(repainted, {height, width})) < 0.5);
  }
  return at::cat(kept);
}

}  // namespace unclip
