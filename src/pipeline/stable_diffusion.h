// Stable Diffusion 1 and 2 (Rombach et al. 2022, arXiv:2112.10752): text → latent → image, with the noise or
// another image to begin with, and repainting below a mask. The reference's StableDiffusionPipeline,
// StableDiffusionImg2ImgPipeline and StableDiffusionInpaintPipeline.
#pragma once

#include "pipeline/stable_diffusion_decoder.h"

namespace unclip {

class StableDiffusionText;

class StableDiffusionPipeline final : public Pipeline {
 public:
  StableDiffusionPipeline(const ModelFolder& folder, const DeviceAndDtype& target, PipelineParts parts);
  ~StableDiffusionPipeline() override;

  std::vector<Image> generate(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                              const Observer& observer) override;

  // There is no image embedding in this family: all of these throw Error(usage).
  std::vector<ImageEmbedding> embed(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                                    const Observer& observer) override;
  std::vector<ImageEmbedding> embed_images(const std::vector<Image>& images) override;
  std::vector<std::vector<float>> embed_texts(const std::vector<std::string>& texts) override;
  std::vector<StartNoise> invert(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                                 const Observer& observer) override;

  ImageSize image_size(const DrawSettings& settings) const override { return decoder_->image_size(settings); }
  const Tokenizer* tokenizer() const override;
  PipelineDefaults defaults() const override { return defaults_; }

 private:
  void check(const std::vector<ImageRequest>& batch, const DrawSettings& settings) const;

  DeviceAndDtype target_;
  PipelineDefaults defaults_;
  std::unique_ptr<StableDiffusionDecoder> decoder_;
  std::unique_ptr<StableDiffusionText> text_;
};

}  // namespace unclip
