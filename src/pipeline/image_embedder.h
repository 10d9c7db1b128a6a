// A model's own image encoder, where its folder holds one beside the decoder: images → CLIP embeddings.
#pragma once

#include "image_encoder/clip_image_processor.h"
#include "image_encoder/clip_vision_model.h"
#include "load_net.h"
#include "pipeline/pipeline.h"

namespace unclip {

class ImageEmbedder {
 public:
  // Components image_encoder and feature_extractor. Throws Error(usage) for a folder without an image
  // encoder.
  ImageEmbedder(const ModelFolder& folder, const DeviceAndDtype& target);

  std::vector<ImageEmbedding> embed(const std::vector<Image>& images);

 private:
  DeviceAndDtype target_;
  LoadedNet<CLIPVisionModelWithProjection> tower_;
  ClipImageProcessorConfig processor_;
};

}  // namespace unclip
