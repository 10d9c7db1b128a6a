// The judge of scenes: a vision tower whose embedding holds a number for each fact (scenes/facts.h), which
// tells whether that shows in an image. `unclip train judge` makes it, `unclip eval` asks it.
//
// Symbols: B batch, S side of the image, D hidden width.
#pragma once

#include <set>
#include <span>

#include "image_encoder/clip_vision_model.h"
#include "scenes/scene.h"
#include "unclip/image.h"

namespace unclip {

// The facts that a judge tells, in the order of its numbers: "id2label" of its config.json, {"0": "river",
// …}. Throws Error(model) where those are not known facts, one for each number.
std::vector<std::string> judged_facts(const Config& config);

class SceneJudge {
 public:
  // A folder with config.json and weights, read on the CPU in float32: no choice of device or dtype changes
  // an answer. Throws Error(model).
  static SceneJudge open(const std::filesystem::path& folder);

  // A net where it stands, in training.
  SceneJudge(CLIPVisionModelWithProjection net, std::vector<std::string> facts);

  // Of uint8 images [B,3,S,S] of any size: the facts that show more likely than not, for each image.
  std::vector<std::set<std::string>> seen(const torch::Tensor& images);

  // Whether all `wanted` facts were seen, but for those that this judge does not tell.
  bool holds(const std::set<std::string>& seen, const std::vector<std::string>& wanted) const;

  // What the tower read of such images before it was asked for facts, float32 [B,D].
  torch::Tensor features(const torch::Tensor& images);

 private:
  torch::Tensor prepared(const torch::Tensor& images);

  CLIPVisionModelWithProjection net_;
  std::vector<std::string> facts_;
};

// A scene of the source, `side` pixels a side.
Image draw_image(SceneOptions source, uint64_t index, int side);

// RGB images of one size → uint8 [B,3,S,S]
torch::Tensor stacked(std::span<const Image> images);

}  // namespace unclip
