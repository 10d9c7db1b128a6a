// The Kandinsky 2.1 and 2.2 families (arXiv:2310.03502): text → CLIP image embedding → latent → image. What
// a decoder's UNet can be told decides the task: an image from text or from another image, repainting
// below a mask, or drawing after a depth map.
#pragma once

#include <array>

#include "autoencoder/vq_model.h"
#include "decoder/unet_2d_condition.h"
#include "diffusion/denoise.h"
#include "diffusion/scheduled_sampler.h"
#include "load_net.h"
#include "pipeline/pipeline.h"
#include "text_encoder/multilingual_clip.h"

namespace unclip {

class KandinskyPrior;
struct KandinskyEmbeddings;

// The second half of a model.
struct KandinskyDecoder {
  KandinskyDecoder(const ModelFolder& folder, const DeviceAndDtype& target);

  // Kandinsky 2.1: its decoder reads the text too, and treats the images that it begins with in its own
  // way.
  bool reads_text() const { return static_cast<bool>(text_encoder); }
  bool repaints() const { return in_channels > 2 * movq.config().latent_channels; }
  bool takes_hint() const { return kind == ImageConditioningConfig::Kind::image_hint; }

  DeviceAndDtype target;
  std::unique_ptr<Tokenizer> tokenizer;      // 2.1
  LoadedNet<MultilingualCLIP> text_encoder;  // 2.1
  LoadedNet<UNet2DConditionModel> unet;
  LoadedNet<VQModel> movq;
  ScheduleConfig schedule;
  SamplerKind sampler;
  ImageConditioningConfig::Kind kind;
  int64_t in_channels, image_width;
  std::array<int64_t, 2> sample_size;  // height and width of the latent where no size is asked for

  // Width and height of the latent, in units that the UNet can halve.
  std::array<int64_t, 2> latent_size(const DrawSettings& settings) const;
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
  KandinskyPipeline(const ModelFolder& folder, const DeviceAndDtype& target, PipelineParts parts);
  ~KandinskyPipeline() override;

  std::vector<Image> generate(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                              const Observer& observer) override;
  std::vector<ImageEmbedding> embed(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                                    const Observer& observer) override;

  std::vector<ImageEmbedding> embed_images(const std::vector<Image>& images) override;
  std::vector<std::vector<float>> embed_texts(const std::vector<std::string>& texts) override;
  std::vector<StartNoise> invert(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                                 const Observer& observer) override;

  ImageSize image_size(const DrawSettings& settings) const override;
  const Tokenizer* tokenizer() const override;
  PipelineDefaults defaults() const override { return defaults_; }

 private:
  // Guidance doubles the rows: away from the negative embedding, towards the image embedding.
  ImageConditioning condition(const std::vector<ImageRequest>& batch, const torch::Tensor& image,
                              const torch::Tensor& negative, bool guided, const torch::Tensor& hint);

  // The requests' embeddings, as they bring them.
  KandinskyEmbeddings given_embeddings(const std::vector<ImageRequest>& batch) const;

  // The UNet under guidance, with what it sees all along.
  Predict decoder_net(const std::vector<ImageRequest>& batch, const KandinskyEmbeddings& embeddings,
                      const torch::Tensor& beside, const torch::Tensor& hint);

  DeviceAndDtype target_;
  PipelineDefaults defaults_;
  std::unique_ptr<KandinskyPrior> prior_;  // nullptr where only the other half is open
  std::unique_ptr<KandinskyDecoder> decoder_;
};

}  // namespace unclip
