// Stable Diffusion's unCLIP models from prompt or embedding to pixels. Reads top-down: generate() is the
// walk, one line a stage.
//
// Symbols: B batch, L text tokens, D embedding width.
#include "pipeline/stable_unclip.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "stable_diffusion_tasks.h"
#include "stable_diffusion_text.h"
#include "stable_unclip_fit.h"
#include "stable_unclip_prior.h"
#include "stage_run.h"

namespace unclip {

StableUnclipPipeline::StableUnclipPipeline(const ModelFolder& folder, const DeviceAndDtype& target,
                                           PipelineParts parts)
    : target_(target),
      defaults_(
          PipelineDefaults::from(folder, {.steps = {25, 20, 0}, .guidance = {4, 10, 0}, .strength = 0.8})) {
  check_stable_unclip(folder);
  if (parts.prior || parts.texts) prior_ = std::make_unique<StableUnclipPrior>(folder, target);
  if (parts.image_encoder) image_encoder_.emplace(folder, target);
  if (!parts.decoder) return;
  decoder_ = std::make_unique<StableDiffusionDecoder>(folder, target);
  defaults_.sampler = decoder_->sampler;
  text_ = std::make_unique<StableDiffusionText>(folder, target);
  normalizer_ = load_net<StableUnCLIPImageNormalizer, StableUnCLIPImageNormalizerConfig>(
      folder, "image_normalizer", target);
  noising_ = ScheduleConfig::from(folder.require("image_noising_scheduler").config("scheduler_config.json"));
}

StableUnclipPipeline::~StableUnclipPipeline() = default;

std::vector<Image> StableUnclipPipeline::generate(const std::vector<ImageRequest>& batch,
                                                  const DrawSettings& settings, const Observer& observer) {
  const torch::InferenceMode inference;
  check(batch, settings);
  NoiseSource noise(seeds_of(batch), target_.device);
  const bool runs_prior = !batch.front().embedding;
  observer("text", 0, 1);
  StableDiffusionConditions told = read_stable_text(*text_, batch, target_.device);
  const TextRows asked = runs_prior ? prior_->read(batch) : TextRows{};
  observer("text", 1, 1);
  if (!runs_prior) skip_noise(batch, noise);
  const torch::Tensor embedding = runs_prior ? prior_->sample(asked, batch, settings, noise, observer)
                                             : given_embeddings(batch);  // [B,D]
  told.class_labels = class_labels(batch, embedding, noise.normal({embedding.size(1)}),
                                   told.scale.defined());  // [B or 2B,2D]
  const auto [width, height] = decoder_->latent_size(settings);
  return draw_stable_diffusion({*decoder_, batch, settings, height, width, noise}, told, observer);
}

torch::Tensor StableUnclipPipeline::given_embeddings(const std::vector<ImageRequest>& batch) const {
  return stack_embeddings(batch, normalizer_.config().embedding_dim, &ImageEmbedding::image, target_.device);
}

// An image that is to come back from its own noise gets none on its embedding, or no two runs would agree.
// What guidance leads away from is all zeros, as in the reference.
torch::Tensor StableUnclipPipeline::class_labels(const std::vector<ImageRequest>& batch,
                                                 const torch::Tensor& embedding, const torch::Tensor& noise,
                                                 bool guided) {
  std::vector<int64_t> levels;
  std::vector<float> shares;
  for (const ImageRequest& request : batch) {
    levels.push_back(request.noise_level);
    shares.push_back(request.start ? 0.0F : 1.0F);
  }
  const torch::Tensor timesteps = torch::tensor(levels);
  const torch::Tensor alpha_bars = noising_.alphas_cumprod().index_select(0, timesteps).to(target_.device);
  const torch::Tensor share = torch::tensor(shares).unsqueeze(1).to(target_.device);  // [B,1]
  const torch::Tensor labels = noise_embedding(*normalizer_, embedding, noise * share,
                                               {timesteps.to(target_.device), alpha_bars});  // [B,2D]
  return (guided ? at::cat({at::zeros_like(labels), labels}) : labels).to(target_.dtype);
}

void StableUnclipPipeline::check(const std::vector<ImageRequest>& batch, const DrawSettings& settings) const {
  for (const ImageRequest& request : batch)
    if (request.noise_level >= noising_.num_train_timesteps)
      throw Error(ExitCode::usage,
                  Cause{.field = "noise_level",
                        .expected = "0 to " + std::to_string(noising_.num_train_timesteps - 1),
                        .found = std::to_string(request.noise_level)},
                  "this model's noising schedule ends there");
  check_stable_task(*decoder_, batch, settings);
}

const Tokenizer* StableUnclipPipeline::tokenizer() const {
  if (text_) return &text_->tokenizer();
  return prior_ ? &prior_->tokenizer() : nullptr;
}

}  // namespace unclip
