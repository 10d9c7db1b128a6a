// Looks at finished images with the safety checker of a model folder, whatever the family that drew them.
#pragma once

#include <memory>
#include <vector>

#include "image_encoder/clip_image_processor.h"
#include "image_encoder/safety_checker.h"
#include "load_net.h"

namespace unclip {

class SafetyChecker {
 public:
  // Null where the folder holds none. Throws Error(model) for one that is of another class or does not fit
  // its feature extractor.
  static std::unique_ptr<SafetyChecker> open(const ModelFolder& folder, const DeviceAndDtype& target);

  // Of each image whether it is flagged.
  std::vector<bool> flags(const std::vector<Image>& images);

 private:
  SafetyChecker(const ModelFolder& folder, const DeviceAndDtype& target);

  DeviceAndDtype target_;
  ClipImageProcessorConfig processor_;
  LoadedNet<StableDiffusionSafetyChecker> net_;
};

}  // namespace unclip
