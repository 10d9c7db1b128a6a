// Karlo from prompt to pixels. Reads top-down: generate() is the walk, one line a stage; each sample_…() is
// one stage's net under the shared denoise loop.
//
// Symbols: B batch, L text tokens, D embedding width, E context tokens that carry the image embedding.
#include "pipeline/karlo.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <functional>

#include "finite.h"
#include "fit.h"
#include "kept_part.h"
#include "pipeline/embedding_file.h"
#include "pipeline/karlo_fit.h"
#include "refuse.h"
#include "sample_prior.h"
#include "stage_run.h"
#include "text_rows.h"
#include "to_images.h"

namespace unclip {
namespace {

// The first part of the model that is opened; the others are checked with it, before gigabytes are read.
std::unique_ptr<Tokenizer> open_tokenizer(const ModelFolder& folder) {
  auto tokenizer = Tokenizer::open(folder.require("tokenizer").folder);
  check_karlo(folder, *tokenizer);
  return tokenizer;
}

// The same sampler, which keeps what the requests' masks keep.
std::unique_ptr<Sampler> repainting(std::unique_ptr<ScheduledSampler> sampler,
                                    const std::vector<ImageRequest>& batch, int64_t side, size_t rounds,
                                    torch::Device device) {
  if (!repaints(batch)) return sampler;
  const KeptPart kept{init_images(batch, side, side).to(device),
                      kept_positions(batch, side, side).to(device)};
  return std::make_unique<RepaintSampler>(std::move(sampler), kept, rounds);
}

}  // namespace

KarloPipeline::KarloPipeline(const ModelFolder& folder, const DeviceAndDtype& target, PipelineParts parts)
    : target_(target),
      defaults_(PipelineDefaults::from(folder, {})),
      tokenizer_(open_tokenizer(folder)),
      text_encoder_(load_net<CLIPTextModelWithProjection, CLIPTextConfig>(folder, "text_encoder", target)),
      text_length_(tokenizer_->max_length().value()),
      decoder_size_(folder.require("decoder").config().require<int64_t>("sample_size", kImageSides)),
      super_res_size_(
          folder.require("super_res_first").config().require<int64_t>("sample_size", kImageSides)) {
  if (parts.prior) {
    if (!folder.has("prior"))
      throw Error(ExitCode::usage, folder.path().string() + ": has no prior, so it cannot draw from text",
                  "use it for variations of images, or pass another model");
    prior_ = load_net<PriorTransformer, PriorTransformerConfig>(folder, "prior", target);
    prior_scheduler_ = unclip_scheduler(folder, "prior_scheduler");
  }
  if (parts.image_encoder) image_encoder_.emplace(folder, target);
  if (!parts.decoder) return;
  text_proj_ = load_net<UnCLIPTextProjModel, UnCLIPTextProjConfig>(folder, "text_proj", target);
  decoder_ = load_net<UNet2DConditionModel, UNet2DConditionConfig>(folder, "decoder", target);
  super_res_first_ = load_net<UNet2DModel, UNet2DConfig>(folder, "super_res_first", target);
  super_res_last_ = load_net<UNet2DModel, UNet2DConfig>(folder, "super_res_last", target);
  decoder_scheduler_ = unclip_scheduler(folder, "decoder_scheduler");
  super_res_scheduler_ = unclip_scheduler(folder, "super_res_scheduler");
}

std::vector<Image> KarloPipeline::generate(const std::vector<ImageRequest>& batch,
                                           const DrawSettings& settings, const Observer& observer) {
  const torch::InferenceMode inference;
  check(batch, settings);
  const auto decoder_sampler =
      repainting(make_sampler(settings.eta ? SamplerKind::ddim : settings.sampler.value_or(defaults_.sampler),
                              decoder_scheduler_, settings.steps.decoder, 0, settings.eta.value_or(0)),
                 batch, decoder_size_, kRepaintRounds, target_.device);
  std::unique_ptr<Sampler> upsampler_sampler;
  if (settings.steps.upsampler > 0)
    upsampler_sampler =
        repainting(make_sampler(SamplerKind::unclip, super_res_scheduler_, settings.steps.upsampler), batch,
                   super_res_size_, 1, target_.device);
  NoiseSource noise(seeds_of(batch), target_.device);

  observer("text", 0, 1);
  const Conditioning text = encode(batch);
  observer("text", 1, 1);
  const torch::Tensor embedding = embedding_of(batch, settings, text, noise, observer);  // [B,D]
  const torch::Tensor small = sample_decoder(batch, embedding, text, *decoder_sampler, noise,
                                             watch_decoder(*decoder_sampler, settings.previews, observer,
                                                           std::identity()));  // [B,3,64,64]
  if (!upsampler_sampler) return to_images(small);
  const torch::Tensor large =
      sample_upsampler(small, *upsampler_sampler, noise, watch("upsampler", *upsampler_sampler, observer));
  return to_images(large);  // [B,3,256,256]
}

// The requests' own, or the prior's.
torch::Tensor KarloPipeline::embedding_of(const std::vector<ImageRequest>& batch,
                                          const DrawSettings& settings, const Conditioning& text,
                                          NoiseSource& noise, const Observer& observer) {
  if (batch.front().embedding) {
    skip_noise(batch, noise);
    return stack_embeddings(batch, text_encoder_.config().projection_dim, &ImageEmbedding::image,
                            target_.device);
  }
  const auto sampler = make_sampler(SamplerKind::unclip, prior_scheduler_, settings.steps.prior);
  const PriorRun run{prior_, *sampler, text, 1, settings.prior_candidates};
  return sample_prior(run, batch, noise, target_, observer).squeeze(1);
}

ImageSize KarloPipeline::image_size(const DrawSettings& settings) const {
  const int side = static_cast<int>(settings.steps.upsampler > 0 ? super_res_size_ : decoder_size_);
  return {side, side};
}

void KarloPipeline::check(const std::vector<ImageRequest>& batch, const DrawSettings& settings) const {
  for (const ImageRequest& request : batch) {
    reject_if(!request.negative_prompt.empty(), "negative_prompt", "this model takes no negative prompt");
    reject_if(!request.negative_prior_prompt.empty(), "negative_prior_prompt",
              "this model takes no negative prompt");
    reject_if(request.init_image != nullptr && !settings.repaint, "init_image",
              "this model generates from text only");
    reject_if(request.mask != nullptr && !settings.repaint, "mask", "this model generates from text only");
    reject_if(request.hint != nullptr, "hint", "this model generates from text only");
    reject_if(request.noise_level > 0, "noise_level", "this model's decoder reads embeddings without noise");
  }
  if (settings.sampler && repaints(batch)) reject_repainting(*settings.sampler);
  reject_if(settings.width != 0 || settings.height != 0, "size", "this model has one fixed image size");
}

KarloPipeline::Conditioning KarloPipeline::encode(const std::vector<ImageRequest>& batch) {
  const bool guided = is_guided(batch, &Guidance::prior) || is_guided(batch, &Guidance::decoder);
  std::vector<std::string> texts(guided ? batch.size() : 0);  // away from the empty text
  for (const ImageRequest& request : batch) texts.push_back(request.prompt);
  const TextRows rows = blend_texts(batch, texts, [this](const std::vector<std::string>& all) {
    return encode_padded_rows(*tokenizer_, all, text_length_, target_.device, text_encoder_);
  });
  finite(rows.pooled, "text", target_);
  finite(rows.sequence, "text", target_);
  return {rows, guided ? guidance_scales(batch, &Guidance::decoder, target_.device) : torch::Tensor()};
}

// unCLIP section 2.1: the decoder p(image | image embedding, text). The embedding is added to the
// timestep's and also stands before the text as E more context tokens.
Predict KarloPipeline::decoder_net(const torch::Tensor& embedding, const Conditioning& text) {
  const bool is_guided = text.decoder_scale.defined();
  const auto [context, time] =
      text_proj_->forward(embedding.to(target_.dtype), text.pooled, text.sequence, is_guided);
  const int64_t extra = context.size(1) - text.sequence.size(1);             // E
  const torch::Tensor mask = at::constant_pad_nd(text.mask, {extra, 0}, 1);  // [B,E+L]
  Predict net = [this, context = decoder_->read(context), time = time, mask](const torch::Tensor& x,
                                                                             float t) {
    const torch::Tensor image = x.to(target_.dtype).contiguous(torch::MemoryFormat::ChannelsLast);
    return decoder_.predict_step(image, timestep_tensor(t, target_.device), context, time, mask)
        .to(torch::kFloat32);
  };
  return is_guided ? guided(std::move(net), text.decoder_scale) : net;
}

torch::Tensor KarloPipeline::sample_decoder(const std::vector<ImageRequest>& batch,
                                            const torch::Tensor& embedding, const Conditioning& text,
                                            Sampler& sampler, NoiseSource& noise, const StepDone& step_done) {
  const torch::Tensor start =
      sampler.start_scale() * start_noise(batch, noise, {3, decoder_size_, decoder_size_}, target_.device);
  const torch::Tensor x = denoise(sampler, start, decoder_net(embedding, text), noise, step_done);
  return finite(x, "decoder", target_).clamp(-1, 1);  // [B,3,64,64]
}

// unCLIP section 2.1, "diffusion upsamplers": no text, no guidance; a second net makes the last step.
torch::Tensor KarloPipeline::sample_upsampler(const torch::Tensor& small, Sampler& sampler,
                                              NoiseSource& noise, const StepDone& step_done) {
  const std::vector<int64_t> size{super_res_size_, super_res_size_};
  const torch::Tensor start = noise.normal({3, size[0], size[1]});
  const torch::Tensor enlarged =
      at::_upsample_bicubic2d_aa(small, size, /*align_corners=*/false);  // [B,3,256,256]
  const float last = sampler.timesteps().back();
  const Predict net = [&](const torch::Tensor& x, float t) {
    const torch::Tensor both = at::cat({x, enlarged}, 1)
                                   .to(target_.dtype)
                                   .contiguous(torch::MemoryFormat::ChannelsLast);  // [B,6,256,256]
    return (t == last ? super_res_last_ : super_res_first_)
        .step(both, timestep_tensor(t, target_.device))
        .to(torch::kFloat32);
  };
  return finite(denoise(sampler, start, net, noise, step_done), "upsampler", target_);
}

}  // namespace unclip
