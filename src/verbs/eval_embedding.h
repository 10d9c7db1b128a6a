// Whose embedding the decoder of `unclip eval` begins with: to tell the decoder's faults from the prior's.
#pragma once

#include <memory>

#include "image_encoder/clip_vision_model.h"
#include "pipeline/pipeline.h"
#include "verbs/eval.h"

namespace unclip {

class EmbeddingSource {
 public:
  // Throws Error(model) where the folder lacks what `choice` needs: an image_encoder, or a text_proj.
  EmbeddingSource(EvalEmbedding choice, const ModelFolder& folder, const DeviceAndDtype& target);

  // Pixels a side of the images that of() wants; 0: none.
  int image_size() const;

  // The embedding of an image, [image_size()² · 3] bytes. `prior_steps` tells which noise a prior would
  // have drawn, so that the decoder's is the same as with one.
  std::shared_ptr<const ImageEmbedding> of(std::vector<uint8_t> rgb, int64_t prior_steps);

  // Where image_size() is 0; nullptr: the prior's.
  std::shared_ptr<const ImageEmbedding> without_image(int64_t prior_steps) const;

 private:
  DeviceAndDtype target_;
  CLIPVisionModelWithProjection vision_{nullptr};
  std::vector<float> learned_;  // what stands for no embedding at all
};

}  // namespace unclip
