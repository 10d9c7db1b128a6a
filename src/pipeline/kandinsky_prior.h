// Kandinsky's first half, the same in 2.1 and 2.2: text → CLIP image embedding, and the embedding that
// guidance leads the decoder away from. Reference: KandinskyPriorPipeline, KandinskyV22PriorPipeline.
#pragma once

#include "image_encoder/clip_image_processor.h"
#include "image_encoder/clip_vision_model.h"
#include "load_net.h"
#include "nn/once_tensor.h"
#include "prior/prior_transformer.h"
#include "stage_run.h"
#include "text_encoder/clip_text_model.h"
#include "text_rows.h"

namespace unclip {

struct KandinskyEmbeddings {
  torch::Tensor image, negative;  // float32 [B,D]
};

class KandinskyPrior {
 public:
  // `prefix` stands before the components' names: "prior_" in a combined folder, nothing in a prior's own.
  // `embeds_texts`: not only images; without it the text encoder and the prior's net stay closed.
  KandinskyPrior(const ModelFolder& folder, const std::string& prefix, const DeviceAndDtype& target,
                 bool embeds_texts);

  KandinskyEmbeddings sample(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                             const NoiseSource& noise, const Observer& observer);

  // Of images, by the vision tower.
  KandinskyEmbeddings encode(const std::vector<Image>& images);

  TextRows encode_texts(const std::vector<std::string>& texts);

  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  // float32 [B,K,D]: the prompt's embedding and, where K is 2, the negative prompt's.
  torch::Tensor sample_rows(const std::vector<ImageRequest>& batch, int64_t rows,
                            const DrawSettings& settings, const NoiseSource& noise, const Observer& observer);
  torch::Tensor encoding_of_black();  // [D]

  DeviceAndDtype target_;
  std::unique_ptr<Tokenizer> tokenizer_;
  LoadedNet<CLIPTextModelWithProjection> text_encoder_;
  LoadedNet<CLIPVisionModelWithProjection> image_encoder_;
  ClipImageProcessorConfig image_processor_;
  LoadedNet<PriorTransformer> prior_;
  ScheduleConfig scheduler_;
  OnceTensor black_;  // encoding_of_black()
};

}  // namespace unclip
