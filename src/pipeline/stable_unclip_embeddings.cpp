// Stable Diffusion's unCLIP models between images, texts and their embeddings: what manipulations of images
// start from (unCLIP section 3).
//
// Symbols: B batch, D embedding width, h w the latent's height and width.
#include <torch/types.h>
#include <torch/utils.h>

#include "diffusion/invert.h"
#include "finite.h"
#include "pipeline/embedding_file.h"
#include "pipeline/stable_unclip.h"
#include "stable_diffusion_tasks.h"
#include "stable_diffusion_text.h"
#include "stable_unclip_prior.h"
#include "stage_run.h"

namespace unclip {

std::vector<ImageEmbedding> StableUnclipPipeline::embed(const std::vector<ImageRequest>& batch,
                                                        const DrawSettings& settings,
                                                        const Observer& observer) {
  const torch::InferenceMode inference;
  NoiseSource noise(seeds_of(batch), target_.device);
  observer("text", 0, 1);
  const TextRows text = prior_->read(batch);
  observer("text", 1, 1);
  const torch::Tensor made = prior_->sample(text, batch, settings, noise, observer);  // [B,D]
  std::vector<ImageEmbedding> embeddings;
  for (std::vector<float>& row : to_vectors(made))
    embeddings.push_back({std::move(row), {}, {prior_->draws(settings.steps.prior), made.size(1)}});
  return embeddings;
}

std::vector<ImageEmbedding> StableUnclipPipeline::embed_images(const std::vector<Image>& images) {
  return image_encoder_->embed(images);
}

std::vector<std::vector<float>> StableUnclipPipeline::embed_texts(const std::vector<std::string>& texts) {
  const torch::InferenceMode inference;
  return to_vectors(prior_->embed_texts(texts));
}

// The image's latent is the mean of its distribution, so that the noise is the image's alone.
std::vector<StartNoise> StableUnclipPipeline::invert(const std::vector<ImageRequest>& batch,
                                                     const DrawSettings& settings, const Observer& observer) {
  const torch::InferenceMode inference;
  check(batch, settings);
  DdimSampler sampler(decoder_->schedule, settings.steps.decoder);
  NoiseSource none({}, target_.device);
  const auto [width, height] = decoder_->latent_size(settings);
  const torch::Tensor x0 = decoder_->encode_mean(
      StableDiffusionTask{*decoder_, batch, settings, height, width, none}.init_images());  // [B,4,h,w]
  StableDiffusionConditions told = read_stable_text(*text_, batch, target_.device);
  const torch::Tensor embedding = given_embeddings(batch);  // [B,D]
  told.class_labels = class_labels(batch, embedding, at::zeros_like(embedding), told.scale.defined());
  const torch::Tensor start = unclip::invert(sampler, x0, decoder_->predict(told, {}), kInversionRounds,
                                             watch("inversion", sampler, observer));
  return to_vectors(finite(start, "inversion", target_));
}

}  // namespace unclip
