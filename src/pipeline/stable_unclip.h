// Stable Diffusion 2.1's unCLIP models (Rombach et al. 2023): text → image embedding → noised embedding and
// text → latent → image. The reference's StableUnCLIPPipeline, which holds a prior, and
// StableUnCLIPImg2ImgPipeline, which holds an image encoder instead and draws variations of images.
//
// Symbols: B batch, D embedding width.
#pragma once

#include "decoder/image_noising.h"
#include "image_embedder.h"
#include "pipeline/stable_diffusion_decoder.h"

namespace unclip {

class StableDiffusionText;
class StableUnclipPrior;

class StableUnclipPipeline final : public Pipeline {
 public:
  StableUnclipPipeline(const ModelFolder& folder, const DeviceAndDtype& target, PipelineParts parts);
  ~StableUnclipPipeline() override;

  std::vector<Image> generate(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                              const Observer& observer) override;
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
  torch::Tensor given_embeddings(const std::vector<ImageRequest>& batch) const;  // float32 [B,D]
  // What the net is told beside the text. `noise` float32 [B,D]
  torch::Tensor class_labels(const std::vector<ImageRequest>& batch, const torch::Tensor& embedding,
                             const torch::Tensor& noise, bool guided);

  DeviceAndDtype target_;
  PipelineDefaults defaults_;
  std::unique_ptr<StableUnclipPrior> prior_;  // these where the parts ask for them
  std::optional<ImageEmbedder> image_encoder_;
  std::unique_ptr<StableDiffusionDecoder> decoder_;
  std::unique_ptr<StableDiffusionText> text_;
  LoadedNet<StableUnCLIPImageNormalizer> normalizer_;
  ScheduleConfig noising_;
};

}  // namespace unclip
