// The Karlo family (diffusers UnCLIPPipeline): text → CLIP image embedding → 64 px → 256 px, all in pixels.
// unCLIP, Ramesh et al. 2022 (arXiv:2204.06125).
#pragma once

#include "decoder/text_proj.h"
#include "decoder/unet_2d_condition.h"
#include "diffusion/denoise.h"
#include "diffusion/scheduled_sampler.h"
#include "image_embedder.h"
#include "load_net.h"
#include "pipeline/pipeline.h"
#include "prior/prior_transformer.h"
#include "text_encoder/clip_text_model.h"
#include "text_rows.h"
#include "upsampler/unet_2d.h"

namespace unclip {

class KarloPipeline final : public Pipeline {
 public:
  KarloPipeline(const ModelFolder& folder, const DeviceAndDtype& target, PipelineParts parts);

  std::vector<Image> generate(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                              const Observer& observer) override;
  std::vector<ImageEmbedding> embed(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                                    const Observer& observer) override;

  std::vector<ImageEmbedding> embed_images(const std::vector<Image>& images) override;
  std::vector<std::vector<float>> embed_texts(const std::vector<std::string>& texts) override;
  std::vector<StartNoise> invert(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                                 const Observer& observer) override;

  ImageSize image_size(const DrawSettings& settings) const override;
  const Tokenizer* tokenizer() const override { return tokenizer_.get(); }
  PipelineDefaults defaults() const override { return defaults_; }

 private:
  // What the nets are told of the prompts: B rows, or 2B (unconditional, then conditional) under guidance.
  struct Conditioning : TextRows {
    torch::Tensor decoder_scale;  // float32 [B], or undefined: no guidance
  };

  Conditioning encode(const std::vector<ImageRequest>& batch);
  torch::Tensor sample_decoder(const std::vector<ImageRequest>& batch, const torch::Tensor& embedding,
                               const Conditioning& text, Sampler& sampler, NoiseSource& noise,
                               const StepDone& step_done);
  Predict decoder_net(const torch::Tensor& embedding, const Conditioning& text);
  torch::Tensor sample_upsampler(const torch::Tensor& small, Sampler& sampler, NoiseSource& noise,
                                 const StepDone& step_done);
  torch::Tensor embedding_of(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                             const Conditioning& text, NoiseSource& noise, const Observer& observer);
  void check(const std::vector<ImageRequest>& batch, const DrawSettings& settings) const;

  DeviceAndDtype target_;
  PipelineDefaults defaults_;
  std::unique_ptr<Tokenizer> tokenizer_;
  LoadedNet<CLIPTextModelWithProjection> text_encoder_;
  LoadedNet<PriorTransformer> prior_;           // of folders that have one, where it is opened
  std::optional<ImageEmbedder> image_encoder_;  // the same
  LoadedNet<UnCLIPTextProjModel> text_proj_;
  LoadedNet<UNet2DConditionModel> decoder_;
  LoadedNet<UNet2DModel> super_res_first_, super_res_last_;
  ScheduleConfig prior_scheduler_, decoder_scheduler_, super_res_scheduler_;
  int64_t text_length_;                    // L
  int64_t decoder_size_, super_res_size_;  // pixels a side
};

}  // namespace unclip
