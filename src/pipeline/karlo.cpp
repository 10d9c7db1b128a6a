// Karlo from prompt to pixels. Reads top-down: generate() is the walk, one line a stage; each sample_…() is
// one stage's net under the shared denoise loop.
//
// Symbols: B batch, L text tokens, D embedding width, E context tokens that carry the image embedding.
#include "unclip/pipeline/karlo.h"

#include <torch/torch.h>

#include "karlo_fit.h"
#include "load_net.h"
#include "to_images.h"

namespace unclip {
namespace {

UnclipSamplerConfig scheduler_config(const ModelFolder& folder, const std::string& name) {
  return UnclipSamplerConfig::from(folder.require(name).config("scheduler_config.json"));
}

// The first part of the model that is opened; the others are checked with it, before gigabytes are read.
std::unique_ptr<Tokenizer> open_tokenizer(const ModelFolder& folder) {
  auto tokenizer = Tokenizer::open(folder.require("tokenizer").folder);
  check_karlo(folder, *tokenizer);
  return tokenizer;
}

std::vector<uint64_t> seeds_of(const std::vector<PictureRequest>& batch) {
  std::vector<uint64_t> seeds;
  for (const PictureRequest& request : batch) seeds.push_back(request.seed);
  return seeds;
}

// Tells the observer that a stage begins, and gives what to call after each of its steps.
StepDone watch(const char* stage, const Sampler& sampler, const StageObserver& observer) {
  const auto steps = static_cast<int64_t>(sampler.timesteps().size());
  observer(stage, 0, steps);
  return [=, &observer, done = int64_t{0}]() mutable { observer(stage, ++done, steps); };
}

}  // namespace

KarloPipeline::KarloPipeline(const ModelFolder& folder, const Placement& placement)
    : placement_(placement),
      defaults_(PipelineDefaults::from(folder)),
      tokenizer_(open_tokenizer(folder)),
      text_encoder_(load_net<CLIPTextModelWithProjection, CLIPTextConfig>(folder, "text_encoder", placement)),
      prior_(load_net<PriorTransformer, PriorTransformerConfig>(folder, "prior", placement)),
      text_proj_(load_net<UnCLIPTextProjModel, UnCLIPTextProjConfig>(folder, "text_proj", placement)),
      decoder_(load_net<UNet2DConditionModel, UNet2DConditionConfig>(folder, "decoder", placement)),
      super_res_first_(load_net<UNet2DModel, UNet2DConfig>(folder, "super_res_first", placement)),
      super_res_last_(load_net<UNet2DModel, UNet2DConfig>(folder, "super_res_last", placement)),
      prior_scheduler_(scheduler_config(folder, "prior_scheduler")),
      decoder_scheduler_(scheduler_config(folder, "decoder_scheduler")),
      super_res_scheduler_(scheduler_config(folder, "super_res_scheduler")),
      decoder_size_(folder.require("decoder").config().require<int64_t>("sample_size")),
      super_res_size_(folder.require("super_res_first").config().require<int64_t>("sample_size")) {}

std::vector<Image> KarloPipeline::generate(const std::vector<PictureRequest>& batch, const Steps& steps,
                                           const StageObserver& observer) {
  const torch::InferenceMode inference;
  UnclipSampler prior_sampler(prior_scheduler_, steps.prior);
  UnclipSampler decoder_sampler(decoder_scheduler_, steps.decoder);
  std::optional<UnclipSampler> upsampler_sampler;
  if (steps.upsampler > 0) upsampler_sampler.emplace(super_res_scheduler_, steps.upsampler);
  NoiseSource noise(seeds_of(batch), placement_.device);

  observer("text", 0, 1);
  const Conditioning text = encode(batch);
  observer("text", 1, 1);
  const torch::Tensor embedding =
      sample_prior(text, prior_sampler, noise, watch("prior", prior_sampler, observer));
  const torch::Tensor small =
      sample_decoder(embedding, text, decoder_sampler, noise, watch("decoder", decoder_sampler, observer));
  if (!upsampler_sampler) return to_images(small);
  const torch::Tensor large =
      sample_upsampler(small, *upsampler_sampler, noise, watch("upsampler", *upsampler_sampler, observer));
  return to_images(large);
}

KarloPipeline::Conditioning KarloPipeline::encode(const std::vector<PictureRequest>& batch) {
  const auto count = static_cast<int64_t>(batch.size());
  std::vector<int64_t> ids, mask;
  std::vector<float> prior_scales, decoder_scales;
  const auto append = [&](const std::string& text) {
    const Encoding encoding = tokenizer_->encode(text);
    ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
    mask.insert(mask.end(), encoding.mask.begin(), encoding.mask.end());
  };
  append("");  // the unconditional text
  bool guided = false;
  for (const PictureRequest& request : batch) {
    append(request.prompt);
    prior_scales.push_back(static_cast<float>(request.guidance.prior));
    decoder_scales.push_back(static_cast<float>(request.guidance.decoder));
    guided |= request.guidance.prior > 1 || request.guidance.decoder > 1;
  }
  const torch::Tensor all_ids = torch::tensor(ids).view({count + 1, -1}).to(placement_.device);  // [1+B,L]
  const torch::Tensor all_mask =
      torch::tensor(mask).view({count + 1, -1}).to(placement_.device) != 0;  // [1+B,L]
  const TextFeatures features = text_encoder_->forward(all_ids);  // no mask: as the reference's pipeline

  const auto rows = [&](const torch::Tensor& t) {
    const torch::Tensor conditional = t.narrow(0, 1, count);
    if (!guided) return conditional;
    std::vector<int64_t> shape = t.sizes().vec();
    shape[0] = count;
    return at::cat({t.narrow(0, 0, 1).expand(shape), conditional});
  };
  Conditioning c{rows(features.pooled), rows(features.sequence), rows(all_mask), {}, {}};
  if (guided) {
    c.prior_scale = torch::tensor(prior_scales).to(placement_.device);
    c.decoder_scale = torch::tensor(decoder_scales).to(placement_.device);
  }
  return c;
}

// unCLIP section 2.2: the diffusion prior p(image embedding | text); the net predicts the embedding itself.
torch::Tensor KarloPipeline::sample_prior(const Conditioning& text, Sampler& sampler, NoiseSource& noise,
                                          const StepDone& step_done) {
  const Predict net = [&](const torch::Tensor& x, int64_t t) {
    return prior_->forward(x.to(placement_.dtype), timestep_tensor(t), text.pooled, text.sequence, text.mask)
        .to(torch::kFloat32);
  };
  const torch::Tensor x =
      denoise(sampler, noise.normal({prior_->config.embedding_dim}),
              text.prior_scale.defined() ? guided(net, text.prior_scale) : net, noise, step_done);
  return prior_->post_process_latents(x);  // [B,D]
}

// unCLIP section 2.1: the decoder p(picture | image embedding, text). The embedding is added to the
// timestep's and also stands before the text as E more context tokens.
torch::Tensor KarloPipeline::sample_decoder(const torch::Tensor& embedding, const Conditioning& text,
                                            Sampler& sampler, NoiseSource& noise, const StepDone& step_done) {
  const bool is_guided = text.decoder_scale.defined();
  const auto [context, time] =
      text_proj_->forward(embedding.to(placement_.dtype), text.pooled, text.sequence, is_guided);
  const int64_t extra = context.size(1) - text.sequence.size(1);             // E
  const torch::Tensor mask = at::constant_pad_nd(text.mask, {extra, 0}, 1);  // [B,E+L]
  const Predict net = [&, context = context, time = time](const torch::Tensor& x, int64_t t) {
    const torch::Tensor picture = x.to(placement_.dtype).contiguous(torch::MemoryFormat::ChannelsLast);
    return decoder_->forward(picture, timestep_tensor(t), context, time, mask).to(torch::kFloat32);
  };
  const torch::Tensor x = denoise(sampler, noise.normal({3, decoder_size_, decoder_size_}),
                                  is_guided ? guided(net, text.decoder_scale) : net, noise, step_done);
  return x.clamp(-1, 1);  // [B,3,64,64]
}

// unCLIP section 2.1, "diffusion upsamplers": no text, no guidance; a second net makes the last step.
torch::Tensor KarloPipeline::sample_upsampler(const torch::Tensor& small, Sampler& sampler,
                                              NoiseSource& noise, const StepDone& step_done) {
  const std::vector<int64_t> size{super_res_size_, super_res_size_};
  const torch::Tensor start = noise.normal({3, size[0], size[1]});
  const torch::Tensor enlarged =
      at::_upsample_bicubic2d_aa(small, size, /*align_corners=*/false);  // [B,3,256,256]
  const int64_t last = sampler.timesteps().back();
  const Predict net = [&](const torch::Tensor& x, int64_t t) {
    const torch::Tensor both = at::cat({x, enlarged}, 1)
                                   .to(placement_.dtype)
                                   .contiguous(torch::MemoryFormat::ChannelsLast);  // [B,6,256,256]
    return (t == last ? super_res_last_ : super_res_first_)
        ->forward(both, timestep_tensor(t))
        .to(torch::kFloat32);
  };
  return denoise(sampler, start, net, noise, step_done);
}

torch::Tensor KarloPipeline::timestep_tensor(int64_t timestep) const {
  return torch::full({}, timestep, torch::dtype(torch::kInt64).device(placement_.device));
}

}  // namespace unclip
