// Kandinsky's first half, the same in 2.1 and 2.2: text → CLIP image embedding, and the embedding that
// guidance leads the decoder away from. Reference: KandinskyPriorPipeline, KandinskyV22PriorPipeline.
#pragma once

#include "image_encoder/clip_vision_model.h"
#include "prior/prior_transformer.h"
#include "stage_run.h"
#include "text_encoder/clip_text_model.h"

namespace unclip {

struct KandinskyEmbeddings {
  torch::Tensor image, negative;  // float32 [B,D]
};

class KandinskyPrior {
 public:
  // `prefix` stands before the components' names: "prior_" in a combined folder, nothing in a prior's own.
  KandinskyPrior(const ModelFolder& folder, const std::string& prefix, const DeviceAndDtype& target);

  KandinskyEmbeddings sample(const std::vector<ImageRequest>& batch, int64_t steps, const NoiseSource& noise,
                             const StageObserver& observer);

  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  // float32 [B,K,D]: the prompt's embedding and, where K is 2, the negative prompt's.
  torch::Tensor sample_rows(const std::vector<ImageRequest>& batch, int64_t rows, int64_t steps,
                            NoiseSource noise, const StageObserver& observer);
  torch::Tensor encoding_of_black();  // [D]

  DeviceAndDtype target_;
  std::unique_ptr<Tokenizer> tokenizer_;
  CLIPTextModelWithProjection text_encoder_;
  CLIPVisionModelWithProjection image_encoder_;
  PriorTransformer prior_;
  ScheduleConfig scheduler_;
  torch::Tensor black_;  // encoding_of_black(), once it was asked for
};

}  // namespace unclip
