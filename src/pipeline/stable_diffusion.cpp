// Stable Diffusion from prompt to pixels. Reads top-down: generate() is the walk, one line a stage.
//
// Symbols: B batch, h w the latent's height and width, f the autoencoder's reduction.
#include "pipeline/stable_diffusion.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "refuse.h"
#include "stable_diffusion_tasks.h"
#include "stable_diffusion_text.h"
#include "stage_run.h"

namespace unclip {
namespace {

[[noreturn]] void refuse_embeddings() {
  throw Error(ExitCode::usage, "this model draws from text alone; it has no embeddings of images",
              "use a Karlo or Kandinsky model", {.field = "model"});
}

}  // namespace

StableDiffusionPipeline::StableDiffusionPipeline(const ModelFolder& folder, const DeviceAndDtype& target,
                                                 PipelineParts parts)
    : target_(target),
      defaults_(
          PipelineDefaults::from(folder, {.steps = {0, 50, 0}, .guidance = {0, 7.5, 0}, .strength = 0.8})) {
  if (!parts.decoder || parts.texts || parts.image_encoder) refuse_embeddings();
  decoder_ = std::make_unique<StableDiffusionDecoder>(folder, target);
  // The reference's pipelines set both, whatever the file says: with others the nets draw worse.
  decoder_->schedule.steps_offset = 1;
  decoder_->schedule.clip_sample = false;
  text_ = std::make_unique<StableDiffusionText>(folder, target);
  defaults_.sampler = decoder_->sampler;
}

StableDiffusionPipeline::~StableDiffusionPipeline() = default;

std::vector<Image> StableDiffusionPipeline::generate(const std::vector<ImageRequest>& batch,
                                                     const DrawSettings& settings, const Observer& observer) {
  const torch::InferenceMode inference;
  check(batch, settings);
  NoiseSource noise(seeds_of(batch), target_.device);
  observer("text", 0, 1);
  const StableDiffusionConditions told = read_stable_text(*text_, batch, target_.device);
  observer("text", 1, 1);
  const auto [width, height] = decoder_->latent_size(settings);
  return draw_stable_diffusion({*decoder_, batch, settings, height, width, noise}, told, observer);
}

void StableDiffusionPipeline::check(const std::vector<ImageRequest>& batch,
                                    const DrawSettings& settings) const {
  const char* why = "this model has no prior";
  reject_if(settings.steps.prior > 0, "prior_steps", why);
  reject_if(settings.prior_candidates > 1, "prior_candidates", why);
  for (const ImageRequest& request : batch) {
    reject_if(request.guidance.prior > 0, "prior_guidance", why);
    reject_if(!request.negative_prior_prompt.empty(), "negative_prior_prompt", why);
    reject_if(request.embedding != nullptr, "embedding", why);
    reject_if(request.noise_level > 0, "noise_level", why);
  }
  check_stable_task(*decoder_, batch, settings);
}

std::vector<ImageEmbedding> StableDiffusionPipeline::embed(const std::vector<ImageRequest>& /*batch*/,
                                                           const DrawSettings& /*settings*/,
                                                           const Observer& /*observer*/) {
  refuse_embeddings();
}

std::vector<ImageEmbedding> StableDiffusionPipeline::embed_images(const std::vector<Image>& /*images*/) {
  refuse_embeddings();
}

std::vector<std::vector<float>> StableDiffusionPipeline::embed_texts(
    const std::vector<std::string>& /*texts*/) {
  refuse_embeddings();
}

std::vector<StartNoise> StableDiffusionPipeline::invert(const std::vector<ImageRequest>& /*batch*/,
                                                        const DrawSettings& /*settings*/,
                                                        const Observer& /*observer*/) {
  refuse_embeddings();
}

const Tokenizer* StableDiffusionPipeline::tokenizer() const { return &text_->tokenizer(); }

}  // namespace unclip
