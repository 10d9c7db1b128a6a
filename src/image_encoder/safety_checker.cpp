// Stable Diffusion's safety checker.
#include "image_encoder/safety_checker.h"

#include <cmath>

namespace unclip {
namespace {

// Numbers of the reference's class, which no config holds.
constexpr int64_t kConcepts = 17, kSpecialConcepts = 3;

// What a special concept in an image adds to the margins of all that come after it.
constexpr float kSpecialCare = 0.01F;

// The reference rounds to three digits before it compares: what lies less than half a thousandth above its
// threshold is not seen.
bool is_above(float margin) { return std::nearbyint(margin * 1000.0F) > 0; }

// The tower's settings. Files of old transformers hold them twice, and the second ones count.
Config vision_part(const Config& config) {
  for (const char* key : {"vision_config_dict", "vision_config"}) {
    if (!config.has(key)) continue;
    const nlohmann::json& values = config.values().at(key);
    if (!values.is_object()) config.refuse(key, "an object");
    return {values, config.origin() + ": \"" + key + "\""};
  }
  return {nlohmann::json::object(), config.origin()};
}

torch::Tensor cosines(const torch::Tensor& images, const torch::Tensor& concepts) {
  const auto unit = [](const torch::Tensor& rows) {
    const torch::Tensor wide = rows.to(torch::kFloat32);
    return wide / wide.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
  };
  return at::mm(unit(images), unit(concepts).t());  // [B,K]
}

}  // namespace

SafetyCheckerConfig SafetyCheckerConfig::from(const Config& config) {
  SafetyCheckerConfig c;
  c.vision = CLIPVisionConfig::from(vision_part(config));
  config.fill("projection_dim", c.projection_dim, kWidths);
  return c;
}

StableDiffusionSafetyCheckerImpl::StableDiffusionSafetyCheckerImpl(const SafetyCheckerConfig& c)
    : config(c),
      vision_model_(c.vision),
      visual_projection_(c.vision.encoder.hidden_size, c.projection_dim, /*with_bias=*/false) {
  register_module("vision_model", vision_model_);
  register_module("visual_projection", visual_projection_);
  concept_embeds_ = empty_parameter(*this, "concept_embeds", {kConcepts, c.projection_dim});
  special_care_embeds_ = empty_parameter(*this, "special_care_embeds", {kSpecialConcepts, c.projection_dim});
  concept_embeds_weights_ = empty_parameter(*this, "concept_embeds_weights", {kConcepts});
  special_care_embeds_weights_ = empty_parameter(*this, "special_care_embeds_weights", {kSpecialConcepts});
}

ConceptMargins StableDiffusionSafetyCheckerImpl::forward(const torch::Tensor& pixels) {
  const torch::Tensor seen = visual_projection_(vision_model_(pixels));  // [B,P]
  return {cosines(seen, special_care_embeds_) - special_care_embeds_weights_.to(torch::kFloat32),
          cosines(seen, concept_embeds_) - concept_embeds_weights_.to(torch::kFloat32)};
}

std::vector<bool> flagged(const ConceptMargins& margins) {
  const torch::Tensor special = margins.special.cpu().contiguous(), all = margins.concepts.cpu().contiguous();
  std::vector<bool> found;
  for (int64_t i = 0; i < all.size(0); ++i) {
    const float *cares = special[i].const_data_ptr<float>(), *concepts = all[i].const_data_ptr<float>();
    float raised = 0;
    for (int64_t k = 0; k < special.size(1); ++k)
      if (is_above(cares[k] + raised)) raised = kSpecialCare;
    found.push_back(std::any_of(concepts, concepts + all.size(1),
                                [raised](float margin) { return is_above(margin + raised); }));
  }
  return found;
}

}  // namespace unclip
