// Stable Diffusion's safety checker: how near CLIP sees an image to concepts that must not be shown. The
// reference's StableDiffusionSafetyChecker; Rando et al. 2022 (arXiv:2210.04610) describe how it decides.
//
// Symbols: B batch, S side of the image, D hidden width, P projection width, K = 17 concepts, C = 3 special
// ones.
#pragma once

#include "image_encoder/clip_vision_model.h"

namespace unclip {

struct SafetyCheckerConfig {
  CLIPVisionConfig vision;
  int64_t projection_dim = 512;  // P

  // Absent keys get the reference's defaults; unknown settings throw Error(model).
  static SafetyCheckerConfig from(const Config& config);
};

// How far each concept's likeness lies above its threshold; float32.
struct ConceptMargins {
  torch::Tensor special;   // [B,C], concepts that make the others count more
  torch::Tensor concepts;  // [B,K]
};

class StableDiffusionSafetyCheckerImpl : public torch::nn::Module {
 public:
  explicit StableDiffusionSafetyCheckerImpl(const SafetyCheckerConfig& config);

  // pixels [B,3,S,S], normalized by CLIP's mean and deviation.
  ConceptMargins forward(const torch::Tensor& pixels);

  const SafetyCheckerConfig config;

 private:
  CLIPVisionModel vision_model_;
  Linear visual_projection_;
  torch::Tensor concept_embeds_, special_care_embeds_;                  // [K,P], [C,P]
  torch::Tensor concept_embeds_weights_, special_care_embeds_weights_;  // [K], [C]: thresholds
};
TORCH_MODULE(StableDiffusionSafetyChecker);

// Of each image whether it shows one of the concepts.
std::vector<bool> flagged(const ConceptMargins& margins);

}  // namespace unclip
