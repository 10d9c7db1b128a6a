// The first half of Stable Diffusion's unCLIP models: text → CLIP image embedding. It is Karlo's prior, in
// their own folder or in Karlo's beside it. Reference: StableUnCLIPPipeline.
//
// Symbols: B batch, D embedding width.
#pragma once

#include "diffusion/noise.h"
#include "diffusion/schedule_config.h"
#include "load_net.h"
#include "pipeline/pipeline.h"
#include "prior/prior_transformer.h"
#include "text_encoder/clip_text_model.h"
#include "text_rows.h"

namespace unclip {

// What the prior's parts are called: in the model's own folder "prior", in one joined by --prior
// "prior_prior".
struct StableUnclipPriorNames {
  std::string prior, scheduler, tokenizer = "prior_tokenizer", text_encoder = "prior_text_encoder";

  // Throws Error(usage) for a folder without a prior.
  static StableUnclipPriorNames in(const ModelFolder& folder);
};

class StableUnclipPrior {
 public:
  // Checks that its parts fit, then loads them. Throws Error(model), and Error(usage) where there are none.
  StableUnclipPrior(const ModelFolder& folder, const DeviceAndDtype& target);

  // The prompts' features; under guidance [2B,…], with those of the empty text before them.
  TextRows read(const std::vector<ImageRequest>& batch);

  // float32 [B,D], from what read() gave.
  torch::Tensor sample(const TextRows& text, const std::vector<ImageRequest>& batch,
                       const DrawSettings& settings, NoiseSource& noise, const Observer& observer);

  // How often sample() draws noise for each embedding.
  int64_t draws(int64_t steps) const;

  // float32 [N,D]
  torch::Tensor embed_texts(const std::vector<std::string>& texts);

  const Tokenizer& tokenizer() const { return *tokenizer_; }

 private:
  TextRows encode(const std::vector<std::string>& texts);

  DeviceAndDtype target_;
  std::unique_ptr<Tokenizer> tokenizer_;
  LoadedNet<CLIPTextModelWithProjection> text_encoder_;
  LoadedNet<PriorTransformer> prior_;
  ScheduleConfig schedule_;
};

}  // namespace unclip
