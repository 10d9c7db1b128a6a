// Stable Diffusion's text: prompts → what a UNet reads of them.
//
// Symbols: B batch, L text tokens, D text width.
#pragma once

#include "load_net.h"
#include "pipeline/pipeline.h"
#include "text_encoder/clip_text_model.h"

namespace unclip {

class StableDiffusionText {
 public:
  // Throws Error(model) where tokenizer and text encoder do not fit.
  StableDiffusionText(const ModelFolder& folder, const DeviceAndDtype& target);

  // [B,L,D] of the prompts; where `guided`, [2B,L,D] with those of the negative prompts, by default empty,
  // before them.
  torch::Tensor encode(const std::vector<ImageRequest>& batch, bool guided);

  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  DeviceAndDtype target_;
  std::unique_ptr<Tokenizer> tokenizer_;
  int64_t length_;  // L
  LoadedNet<CLIPTextModel> text_encoder_;
};

}  // namespace unclip
