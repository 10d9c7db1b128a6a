// Prepares an image for CLIP's vision tower: the shorter side resized, the middle cropped out, colors
// normalized. The reference's CLIPImageProcessor (with Pillow's resizing).
#pragma once

#include <torch/types.h>

#include <vector>

#include "checkpoint/config.h"
#include "unclip/image.h"

namespace unclip {

struct ClipImageProcessorConfig {
  int shortest_edge = 224;  // size: pixels of the resized image's shorter side
  int crop_width = 224, crop_height = 224;
  std::vector<double> image_mean{0.48145466, 0.4578275, 0.40821073};
  std::vector<double> image_std{0.26862954, 0.26130258, 0.27577711};

  // From preprocessor_config.json; throws Error(model) for a step that is switched off or a size of another
  // kind.
  static ClipImageProcessorConfig from(const Config& config);
};

// → float32 [1,3,crop_height,crop_width]
torch::Tensor clip_pixels(const Image& image, const ClipImageProcessorConfig& config);

}  // namespace unclip
