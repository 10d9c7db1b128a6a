// Kandinsky from prompt to pixels. Reads top-down: generate() is the walk, one line a stage.
//
// Symbols: B batch, D embedding width, h w the latent's height and width, f the autoencoder's reduction.
#include "pipeline/kandinsky.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "draw_latents.h"
#include "kandinsky_fit.h"
#include "kandinsky_prior.h"
#include "kandinsky_tasks.h"
#include "pipeline/embedding_file.h"
#include "sample_size.h"
#include "text_rows.h"

namespace unclip {
namespace {

std::string prior_prefix(const ModelFolder& folder) { return folder.has("prior_prior") ? "prior_" : ""; }

const ModelFolder& checked_decoder(const ModelFolder& folder) {
  check_kandinsky_decoder(folder);
  return folder;
}

KandinskyRun begin(const KandinskyTask& task) {
  if (task.decoder.takes_hint()) return depth_control(task);
  if (task.decoder.repaints()) return inpainting(task);
  if (task.batch.front().mask) return repainting(task);
  return task.batch.front().init_image ? image_to_image(task) : text_to_image(task);
}

}  // namespace

KandinskyDecoder::KandinskyDecoder(const ModelFolder& folder, const DeviceAndDtype& where)
    : target(where),
      unet(load_net<UNet2DConditionModel, UNet2DConditionConfig>(checked_decoder(folder), "unet", where)),
      movq(load_net<VQModel, VQConfig>(folder, "movq", where)),
      schedule(ScheduleConfig::from(folder.require("scheduler").config("scheduler_config.json"))),
      sampler(find_sampler(folder.require("scheduler").class_name, &SamplerNames::scheduler_class).value()) {
  const Config config = folder.require("unet").config();
  const auto net = UNet2DConditionConfig::from(config);
  kind = net.conditioning.kind;
  in_channels = net.in_channels;
  image_width = net.conditioning.image_width();
  sample_size = read_sample_size(config);
  if (kind != ImageConditioningConfig::Kind::text_image) return;
  tokenizer = Tokenizer::open(folder.require("tokenizer").folder);
  check_kandinsky_text(folder, *tokenizer);
  text_encoder = load_net<MultilingualCLIP, MultilingualCLIPConfig>(folder, "text_encoder", where);
}

KandinskyPipeline::KandinskyPipeline(const ModelFolder& folder, const DeviceAndDtype& target,
                                     PipelineParts parts)
    : target_(target), defaults_(PipelineDefaults::from(folder, {{25, 100, 0}, {4, 4}})) {
  const std::string prefix = prior_prefix(folder);
  const bool reads_text = parts.prior || parts.texts, opens_prior = reads_text || parts.image_encoder;
  if (opens_prior && parts.decoder) check_kandinsky_pair(folder, prefix);
  if (opens_prior) prior_ = std::make_unique<KandinskyPrior>(folder, prefix, target, reads_text);
  if (!parts.decoder) return;
  decoder_ = std::make_unique<KandinskyDecoder>(folder, target);
  defaults_.sampler = decoder_->sampler;
}

KandinskyPipeline::~KandinskyPipeline() = default;

std::vector<Image> KandinskyPipeline::generate(const std::vector<ImageRequest>& batch,
                                               const DrawSettings& settings, const Observer& observer) {
  const torch::InferenceMode inference;
  check_task(*decoder_, batch, settings);
  NoiseSource noise(seeds_of(batch), target_.device);
  if (batch.front().embedding) skip_noise(batch, noise);
  const KandinskyEmbeddings embeddings =
      batch.front().embedding ? given_embeddings(batch)
                              : prior_->sample(batch, settings, noise, observer);  // [B,D] each
  const auto decode = [this](const torch::Tensor& latent) {
    return decoder_->movq->decode(
        latent.to(target_.dtype).contiguous(torch::MemoryFormat::ChannelsLast));  // [B,3,f·h,f·w]
  };
  const auto [width, height] = decoder_->latent_size(settings);
  KandinskyRun run = begin({*decoder_, batch, settings, height, width, noise});
  return draw_latents({*run.sampler, run.start, decoder_net(batch, embeddings, run.beside, run.hint), decode},
                      noise, settings.previews, observer, target_);
}

Predict KandinskyPipeline::decoder_net(const std::vector<ImageRequest>& batch,
                                       const KandinskyEmbeddings& embeddings, const torch::Tensor& beside,
                                       const torch::Tensor& hint) {
  const bool is_on = is_guided(batch, &Guidance::decoder);
  const ImageConditioning conditioning = condition(batch, embeddings.image, embeddings.negative, is_on, hint);
  Predict net = [this, conditioning, beside, is_on](const torch::Tensor& x, float t) {
    torch::Tensor input = x;  // [B or 2B,4,h,w]
    if (beside.defined()) input = at::cat({x, is_on ? at::cat({beside, beside}) : beside}, 1);
    return decoder_->unet
        .predict_step(input.to(target_.dtype).contiguous(torch::MemoryFormat::ChannelsLast),
                      timestep_tensor(t, target_.device), conditioning)
        .to(torch::kFloat32);
  };
  return is_on ? guided(std::move(net), guidance_scales(batch, &Guidance::decoder, target_.device)) : net;
}

std::array<int64_t, 2> KandinskyDecoder::latent_size(const DrawSettings& settings) const {
  const int64_t f = movq.config().reduction(), unit = f * f;
  const auto side = [&](int64_t pixels, int64_t usual) {
    return ((pixels == 0 ? usual * f : pixels) + unit - 1) / unit * f;
  };
  return {side(settings.width, sample_size[1]), side(settings.height, sample_size[0])};
}

ImageConditioning KandinskyPipeline::condition(const std::vector<ImageRequest>& batch,
                                               const torch::Tensor& image, const torch::Tensor& negative,
                                               bool guided, const torch::Tensor& hint) {
  TextRows text;
  if (decoder_->reads_text()) {
    std::vector<std::string> texts(guided ? batch.size() : 0);  // away from the empty text
    for (const ImageRequest& request : batch) texts.push_back(request.prompt);
    text = blend_texts(batch, texts, [this](const std::vector<std::string>& all) {
      return encode_rows(*decoder_->tokenizer, all, kDecoderTokens, target_.device,
                         [this](const torch::Tensor& ids, const torch::Tensor& mask) {
                           return decoder_->text_encoder->forward(ids, mask);
                         });
    });
  }
  const torch::Tensor rows = (guided ? at::cat({negative, image}) : image).to(target_.dtype);  // [B or 2B,D]
  torch::Tensor hints = hint;
  if (hint.defined())
    hints = (guided ? at::cat({hint, hint}) : hint)
                .to(target_.device, target_.dtype)
                .contiguous(torch::MemoryFormat::ChannelsLast);
  return decoder_->unet->condition(rows, text.pooled, text.sequence, hints);
}

const Tokenizer* KandinskyPipeline::tokenizer() const {
  return prior_ ? &prior_->tokenizer() : decoder_->tokenizer.get();
}

}  // namespace unclip
