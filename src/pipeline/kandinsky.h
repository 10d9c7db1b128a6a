// The Kandinsky 2.1 and 2.2 families (arXiv:2310.03502): text → CLIP image embedding → latent → picture. What
// a decoder's UNet can be told decides the task: a picture from text or from another picture, repainting
// below a mask, or drawing after a depth map.
#pragma once

#include <array>

#include "autoencoder/vq_model.h"
#include "decoder/unet_2d_condition.h"
#include "diffusion/denoise.h"
#include "diffusion/scheduled_sampler.h"
#include "pipeline/pipeline.h"
#include "text_encoder/multilingual_clip.h"

namespace unclip {

class KandinskyPrior;

// The second half of a model.
struct KandinskyDecoder {
  KandinskyDecoder(const ModelFolder& folder, const DeviceAndDtype& target);

  // Kandinsky 2.1: its decoder reads the text too, and treats the pictures that it begins with in its own
  // way.
  bool reads_text() const { return !text_encoder.is_empty(); }
  bool repaints() const { return in_channels > 2 * movq->config.latent_channels; }
  bool takes_hint() const { return kind == ImageConditioningConfig::Kind::image_hint; }

  DeviceAndDtype target;
  std::unique_ptr<Tokenizer> tokenizer;    // 2.1
  MultilingualCLIP text_encoder{nullptr};  // 2.1
  UNet2DConditionModel unet;
  VQModel movq;
  ScheduleConfig schedule;
  SamplerKind sampler;
  ImageConditioningConfig::Kind kind;
  int64_t in_channels, image_width;
  std::array<int64_t, 2> sample_size;  // height and width of the latent without --size
};

// What one decoder run begins with, and what its net sees all along. One file a task makes it.
struct KandinskyRun {
  std::unique_ptr<Sampler> sampler;
  torch::Tensor start;   // x_T, float32 [B,4,h,w]
  torch::Tensor beside;  // [B,5,h,w] stands beside the noisy latent; undefined: nothing does
  torch::Tensor hint;    // [B,3,8h,8w] or undefined
};

class KandinskyPipeline final : public Pipeline {
 public:
  KandinskyPipeline(const ModelFolder& folder, const DeviceAndDtype& target, PipelinePart part);
  ~KandinskyPipeline() override;

  std::vector<Image> generate(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                              const StageObserver& observer) override;
  std::vector<ImageEmbedding> embed(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                                    const StageObserver& observer) override;

  const Tokenizer* tokenizer() const override;
  PipelineDefaults defaults() const override { return defaults_; }

 private:
  // Guidance doubles the rows: away from the negative embedding, towards the image embedding.
  ImageConditioning condition(const std::vector<ImageRequest>& batch, const torch::Tensor& image,
                              const torch::Tensor& negative, bool guided, const torch::Tensor& hint);

  DeviceAndDtype target_;
  PipelineDefaults defaults_;
  std::unique_ptr<KandinskyPrior> prior_;  // nullptr where only the other half is open
  std::unique_ptr<KandinskyDecoder> decoder_;
};

}  // namespace unclip
