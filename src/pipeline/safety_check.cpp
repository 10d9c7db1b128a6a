// Images → pixels → the safety checker's word.
#include "pipeline/safety_check.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "finite.h"
#include "fit.h"
#include "stage_run.h"

namespace unclip {

std::unique_ptr<SafetyChecker> SafetyChecker::open(const ModelFolder& folder, const DeviceAndDtype& target) {
  if (!folder.has("safety_checker")) return nullptr;
  expect_class(folder, "safety_checker", {"StableDiffusionSafetyChecker"});
  return std::unique_ptr<SafetyChecker>(new SafetyChecker(folder, target));
}

SafetyChecker::SafetyChecker(const ModelFolder& folder, const DeviceAndDtype& target)
    : target_(target),
      processor_(ClipImageProcessorConfig::from(
          folder.require("feature_extractor").config("preprocessor_config.json"))) {
  const Config config = folder.require("safety_checker").config();
  const FitSize side{config.origin() + ": \"image_size\"",
                     SafetyCheckerConfig::from(config).vision.image_size};
  const std::string processor =
      (folder.require("feature_extractor").folder / "preprocessor_config.json").string();
  expect_same({processor + ": the width of \"crop_size\"", processor_.crop_width}, side);
  expect_same({processor + ": the height of \"crop_size\"", processor_.crop_height}, side);
  net_ = load_net<StableDiffusionSafetyChecker, SafetyCheckerConfig>(folder, "safety_checker", target);
}

std::vector<bool> SafetyChecker::flags(const std::vector<Image>& images) {
  const torch::InferenceMode inference;
  ConceptMargins margins = net_->forward(clip_batch(processor_, images, target_));
  margins.concepts = finite(margins.concepts, "safety checker", target_);
  margins.special = finite(margins.special, "safety checker", target_);
  return flagged(margins);
}

}  // namespace unclip
