// Karlo between images, texts and their embeddings: what manipulations of images start from (unCLIP section
// 3).
//
// Symbols: B batch, D embedding width.
#include <torch/types.h>
#include <torch/utils.h>

#include "diffusion/invert.h"
#include "finite.h"
#include "kept_part.h"
#include "pipeline/embedding_file.h"
#include "pipeline/karlo.h"
#include "stage_run.h"

namespace unclip {

std::vector<ImageEmbedding> KarloPipeline::embed(const std::vector<ImageRequest>& batch,
                                                 const DrawSettings& settings, const Observer& observer) {
  const torch::InferenceMode inference;
  check(batch, settings);
  NoiseSource noise(seeds_of(batch), target_.device);
  const torch::Tensor made = embedding_of(batch, settings, encode(batch), noise, observer);  // [B,D]
  std::vector<ImageEmbedding> embeddings;
  for (std::vector<float>& row : to_vectors(made))
    embeddings.push_back({std::move(row), {}, {settings.steps.prior, made.size(1)}});
  return embeddings;
}

std::vector<ImageEmbedding> KarloPipeline::embed_images(const std::vector<Image>& images) {
  return image_encoder_->embed(images);
}

std::vector<std::vector<float>> KarloPipeline::embed_texts(const std::vector<std::string>& texts) {
  const torch::InferenceMode inference;
  std::vector<ImageRequest> batch;
  for (const std::string& text : texts) batch.push_back({.prompt = text, .guidance = {1, 1, 1}});
  return to_vectors(encode(batch).pooled.to(torch::kFloat32));
}

std::vector<StartNoise> KarloPipeline::invert(const std::vector<ImageRequest>& batch,
                                              const DrawSettings& settings, const Observer& observer) {
  const torch::InferenceMode inference;
  DdimSampler sampler(decoder_scheduler_, settings.steps.decoder);
  const torch::Tensor embedding =
      stack_embeddings(batch, text_encoder_.config().projection_dim, &ImageEmbedding::image, target_.device);
  const torch::Tensor x0 = init_images(batch, decoder_size_, decoder_size_).to(target_.device);
  const torch::Tensor start = unclip::invert(sampler, x0, decoder_net(embedding, encode(batch)),
                                             kInversionRounds, watch("inversion", sampler, observer));
  return to_vectors(finite(start, "inversion", target_));
}

}  // namespace unclip
