// The prior of Stable Diffusion's unCLIP models.
#include "stable_unclip_prior.h"

#include <torch/types.h>

#include "finite.h"
#include "refuse.h"
#include "sample_prior.h"
#include "stable_unclip_fit.h"
#include "stage_run.h"

namespace unclip {
namespace {

// The first part that is opened; the others are checked with it, before gigabytes are read.
std::unique_ptr<Tokenizer> open_stable_unclip_tokenizer(const ModelFolder& folder,
                                                        const StableUnclipPriorNames& names) {
  auto tokenizer = Tokenizer::open(folder.require(names.tokenizer).folder);
  check_stable_unclip_prior(folder, names, *tokenizer);
  return tokenizer;
}

}  // namespace

StableUnclipPriorNames StableUnclipPriorNames::in(const ModelFolder& folder) {
  if (folder.has("prior")) return {.prior = "prior", .scheduler = "prior_scheduler"};
  if (folder.has("prior_prior")) return {.prior = "prior_prior", .scheduler = "prior_prior_scheduler"};
  throw Error(ExitCode::usage, folder.path().string() + ": has no prior, so it cannot draw from text",
              "pass the folder of a Karlo model as --prior, or draw variations of images",
              {.field = "prior"});
}

StableUnclipPrior::StableUnclipPrior(const ModelFolder& folder, const DeviceAndDtype& target)
    : target_(target) {
  const auto names = StableUnclipPriorNames::in(folder);
  tokenizer_ = open_stable_unclip_tokenizer(folder, names);
  text_encoder_ = load_net<CLIPTextModelWithProjection, CLIPTextConfig>(folder, names.text_encoder, target);
  prior_ = load_net<PriorTransformer, PriorTransformerConfig>(folder, names.prior, target);
  schedule_ = ScheduleConfig::from(folder.require(names.scheduler).config("scheduler_config.json"));
}

TextRows StableUnclipPrior::encode(const std::vector<std::string>& texts) {
  return encode_padded_rows(*tokenizer_, texts, prior_.config().num_embeddings, target_.device,
                            text_encoder_);
}

TextRows StableUnclipPrior::read(const std::vector<ImageRequest>& batch) {
  std::vector<std::string> texts(is_guided(batch, &Guidance::prior) ? batch.size() : 0);  // the empty text
  for (const ImageRequest& request : batch) {
    reject_if(!request.negative_prior_prompt.empty(), "negative_prior_prompt",
              "this model's prior takes no negative prompt");
    texts.push_back(request.prompt);
  }
  TextRows text = encode(texts);
  finite(text.pooled, "text", target_);
  finite(text.sequence, "text", target_);
  return text;
}

// unCLIP section 2.2. The reference takes DDPMScheduler's timesteps, also where the file is that of Karlo's
// own UnCLIPScheduler: it is opened as the other class.
torch::Tensor StableUnclipPrior::sample(const TextRows& text, const std::vector<ImageRequest>& batch,
                                        const DrawSettings& settings, NoiseSource& noise,
                                        const Observer& observer) {
  const auto sampler = make_sampler(SamplerKind::ddpm, schedule_, settings.steps.prior);
  const PriorRun run{prior_, *sampler, text, 1, settings.prior_candidates};
  return sample_prior(run, batch, noise, target_, observer).squeeze(1);
}

int64_t StableUnclipPrior::draws(int64_t steps) const {
  const auto sampler = make_sampler(SamplerKind::ddpm, schedule_, steps);
  return 1 + std::ranges::count_if(sampler->timesteps(), [](float t) { return t > 0; });
}

torch::Tensor StableUnclipPrior::embed_texts(const std::vector<std::string>& texts) {
  return encode(texts).pooled.to(torch::kFloat32);
}

}  // namespace unclip
