// Images → CLIP embeddings.
#include "image_embedder.h"

#include <torch/utils.h>

#include "stage_run.h"
#include "unclip/error.h"

namespace unclip {

ImageEmbedder::ImageEmbedder(const ModelFolder& folder, const DeviceAndDtype& target) : target_(target) {
  if (!folder.has("image_encoder"))
    throw Error(ExitCode::usage, folder.path().string() + ": has no image encoder, so it cannot read images",
                "pass a model with an image_encoder folder");
  tower_ = load_net<CLIPVisionModelWithProjection, CLIPVisionConfig>(folder, "image_encoder", target);
  processor_ =
      ClipImageProcessorConfig::from(folder.require("feature_extractor").config("preprocessor_config.json"));
}

std::vector<ImageEmbedding> ImageEmbedder::embed(const std::vector<Image>& images) {
  const torch::InferenceMode inference;
  std::vector<ImageEmbedding> embeddings;
  for (std::vector<float>& row : to_vectors(encode_images(*tower_, processor_, images, target_)))
    embeddings.push_back({std::move(row), {}, {}});
  return embeddings;
}

}  // namespace unclip
