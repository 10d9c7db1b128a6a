// Kandinsky between images, texts and their embeddings: what manipulations of images start from (unCLIP
// section 3).
//
// Symbols: B batch, D embedding width, h w the latent's height and width.
#include <torch/types.h>
#include <torch/utils.h>

#include "diffusion/invert.h"
#include "finite.h"
#include "kandinsky_prior.h"
#include "kandinsky_tasks.h"
#include "pipeline/embedding_file.h"
#include "pipeline/kandinsky.h"
#include "stage_run.h"
#include "unclip/error.h"

namespace unclip {

KandinskyEmbeddings KandinskyPipeline::given_embeddings(const std::vector<ImageRequest>& batch) const {
  const int64_t width = decoder_->image_width;
  return {stack_embeddings(batch, width, &ImageEmbedding::image, target_.device),
          stack_embeddings(batch, width, &ImageEmbedding::negative, target_.device)};
}

std::vector<ImageEmbedding> KandinskyPipeline::embed(const std::vector<ImageRequest>& batch,
                                                     const DrawSettings& settings, const Observer& observer) {
  const torch::InferenceMode inference;
  const NoiseSource noise(seeds_of(batch), target_.device);
  const KandinskyEmbeddings made = prior_->sample(batch, settings, noise, observer);
  std::vector<ImageEmbedding> embeddings;
  for (int64_t i = 0; i < made.image.size(0); ++i) {
    const int64_t rows = batch[static_cast<size_t>(i)].negative_prompt.empty() ? 1 : 2;
    embeddings.push_back(
        {row_of(made.image, i), row_of(made.negative, i), {settings.steps.prior, rows, made.image.size(1)}});
  }
  return embeddings;
}

std::vector<ImageEmbedding> KandinskyPipeline::embed_images(const std::vector<Image>& images) {
  const torch::InferenceMode inference;
  const KandinskyEmbeddings made = prior_->encode(images);  // [B,D] each
  std::vector<ImageEmbedding> embeddings;
  for (int64_t i = 0; i < made.image.size(0); ++i)
    embeddings.push_back({row_of(made.image, i), row_of(made.negative, i), {}});
  return embeddings;
}

std::vector<std::vector<float>> KandinskyPipeline::embed_texts(const std::vector<std::string>& texts) {
  const torch::InferenceMode inference;
  return to_vectors(prior_->encode_texts(texts).pooled.to(torch::kFloat32));
}

std::vector<StartNoise> KandinskyPipeline::invert(const std::vector<ImageRequest>& batch,
                                                  const DrawSettings& settings, const Observer& observer) {
  const torch::InferenceMode inference;
  if (decoder_->repaints() || decoder_->takes_hint())
    throw Error(ExitCode::usage, "this model needs a mask or a depth map, so it cannot invert an image",
                "use a text-to-image model");
  DdimSampler sampler(decoder_->schedule, settings.steps.decoder);
  NoiseSource none({}, target_.device);
  const auto [width, height] = decoder_->latent_size(settings);
  const KandinskyTask task{*decoder_, batch, settings, height, width, none};
  const torch::Tensor start =
      unclip::invert(sampler, task.encode_init_images(), decoder_net(batch, given_embeddings(batch), {}, {}),
                     kInversionRounds, watch("inversion", sampler, observer));  // [B,4,h,w]
  return to_vectors(finite(start, "inversion", target_));
}

ImageSize KandinskyPipeline::image_size(const DrawSettings& settings) const {
  const auto [width, height] = decoder_->latent_size(settings);
  const int64_t f = decoder_->movq.config().reduction();
  return {static_cast<int>(width * f), static_cast<int>(height * f)};
}

}  // namespace unclip
