// Embeddings to draw from (see the header).
#include "eval_embedding.h"

#include <torch/utils.h>

#include "pipeline/embedding_file.h"
#include "train/clip_towers.h"
#include "weights/load.h"

namespace unclip {
namespace {

std::shared_ptr<const ImageEmbedding> wrap(std::vector<float> values, int64_t prior_steps) {
  const auto width = static_cast<int64_t>(values.size());
  return std::make_shared<ImageEmbedding>(ImageEmbedding{std::move(values), {}, {prior_steps, width}});
}

}  // namespace

EmbeddingSource::EmbeddingSource(EvalEmbedding choice, const ModelFolder& folder,
                                 const DeviceAndDtype& target)
    : target_(target) {
  if (choice == EvalEmbedding::true_image) {
    const Component& tower = folder.require("image_encoder");
    vision_ = CLIPVisionModelWithProjection(CLIPVisionConfig::from(tower.config()));
    load_weights(*vision_, weight_files(tower), {.dtype = target.dtype, .device = target.device});
  }
  if (choice == EvalEmbedding::none) {
    for (const auto& file : weight_files(folder.require("text_proj")))
      for (const auto& [name, tensor] : read_tensors(file))
        if (name == "learned_classifier_free_guidance_embeddings") learned_ = row_of(tensor.unsqueeze(0), 0);
  }
}

int EmbeddingSource::image_size() const { return vision_ ? static_cast<int>(vision_->config.image_size) : 0; }

std::shared_ptr<const ImageEmbedding> EmbeddingSource::of(std::vector<uint8_t> rgb, int64_t prior_steps) {
  const torch::InferenceMode inference;
  const int64_t size = image_size();
  const torch::Tensor image =
      torch::from_blob(rgb.data(), {1, size, size, 3}, torch::kUInt8).permute({0, 3, 1, 2});
  return wrap(row_of(vision_(normalize_for_clip(to_unit_range(image, target_))), 0), prior_steps);
}

std::shared_ptr<const ImageEmbedding> EmbeddingSource::without_image(int64_t prior_steps) const {
  return learned_.empty() ? nullptr : wrap(learned_, prior_steps);
}

}  // namespace unclip
