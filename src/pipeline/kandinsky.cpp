// Kandinsky from prompt to pixels. Reads top-down: generate() is the walk, one line a stage.
//
// Symbols: B batch, D embedding width, h w the latent's height and width, f the autoencoder's reduction.
#include "pipeline/kandinsky.h"

#include <torch/torch.h>

#include "finite.h"
#include "kandinsky_fit.h"
#include "kandinsky_prior.h"
#include "kandinsky_tasks.h"
#include "load_net.h"
#include "pipeline/embedding_file.h"
#include "text_rows.h"
#include "to_images.h"

namespace unclip {
namespace {

constexpr int64_t kDecoderTokens = 77;  // of 2.1's text, whatever its tokenizer's own limit

std::string prior_prefix(const ModelFolder& folder) { return folder.has("prior_prior") ? "prior_" : ""; }

const ModelFolder& checked_decoder(const ModelFolder& folder) {
  check_kandinsky_decoder(folder);
  return folder;
}

// {height, width} of the latent without --size. The reference's pipelines do not read it, so it may be left
// out.
std::array<int64_t, 2> read_sample_size(const Config& config) {
  constexpr int64_t kUsual = 64;
  constexpr Range kLatentSides{1, 1024};
  if (!config.has("sample_size") || !config.values().at("sample_size").is_array()) {
    const int64_t side = config.find<int64_t>("sample_size", kLatentSides).value_or(kUsual);
    return {side, side};
  }
  const auto sides = config.require<std::vector<int64_t>>("sample_size", kLatentSides);
  if (sides.size() != 2) config.refuse("sample_size", "one number, or height and width");
  return {sides[0], sides[1]};
}

KandinskyRun begin(const KandinskyTask& task) {
  if (task.decoder.takes_hint()) return depth_control(task);
  if (task.decoder.repaints()) return inpainting(task);
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
  check_kandinsky_text(folder, *tokenizer, kDecoderTokens);
  text_encoder = load_net<MultilingualCLIP, MultilingualCLIPConfig>(folder, "text_encoder", where);
}

KandinskyPipeline::KandinskyPipeline(const ModelFolder& folder, const DeviceAndDtype& target,
                                     PipelinePart part)
    : target_(target), defaults_(PipelineDefaults::from(folder, {{25, 100, 0}, {4, 4}})) {
  const std::string prefix = prior_prefix(folder);
  if (part == PipelinePart::all) check_kandinsky_pair(folder, prefix);
  if (part != PipelinePart::decoder) prior_ = std::make_unique<KandinskyPrior>(folder, prefix, target);
  if (part == PipelinePart::prior) return;
  decoder_ = std::make_unique<KandinskyDecoder>(folder, target);
  defaults_.sampler = decoder_->sampler;
}

KandinskyPipeline::~KandinskyPipeline() = default;

std::vector<Image> KandinskyPipeline::generate(const std::vector<ImageRequest>& batch,
                                               const DrawSettings& settings, const StageObserver& observer) {
  const torch::InferenceMode inference;
  check_task(*decoder_, batch, settings);
  NoiseSource noise(seeds_of(batch), target_.device);
  const int64_t f = decoder_->movq->config.reduction(), unit = f * f;
  const auto latent_side = [&](int64_t pixels, int64_t usual) {
    return ((pixels == 0 ? usual * f : pixels) + unit - 1) / unit * f;
  };

  if (batch.front().embedding) skip_noise(batch, noise);
  const KandinskyEmbeddings embeddings =
      batch.front().embedding
          ? KandinskyEmbeddings{stack_embeddings(batch, decoder_->image_width, &ImageEmbedding::image,
                                                 target_.device),
                                stack_embeddings(batch, decoder_->image_width, &ImageEmbedding::negative,
                                                 target_.device)}
          : prior_->sample(batch, settings.steps.prior, noise, observer);  // [B,D] each
  KandinskyRun run =
      begin({*decoder_, batch, settings, latent_side(settings.height, decoder_->sample_size[0]),
             latent_side(settings.width, decoder_->sample_size[1]), noise});
  const bool is_on = is_guided(batch, &Guidance::decoder);
  const ImageConditioning told = condition(batch, embeddings.image, embeddings.negative, is_on, run.hint);
  const Predict net = [&](const torch::Tensor& x, int64_t t) {
    torch::Tensor input = x;  // [B or 2B,4,h,w]
    if (run.beside.defined()) input = at::cat({x, is_on ? at::cat({run.beside, run.beside}) : run.beside}, 1);
    return decoder_->unet
        ->predict(input.to(target_.dtype).contiguous(torch::MemoryFormat::ChannelsLast),
                  timestep_tensor(t, target_.device), told)
        .to(torch::kFloat32);
  };
  const torch::Tensor scale = guidance_scales(batch, &Guidance::decoder, target_.device);
  const torch::Tensor latent = finite(denoise(*run.sampler, run.start, is_on ? guided(net, scale) : net,
                                              noise, watch("decoder", *run.sampler, observer)),
                                      "decoder", target_);  // [B,4,h,w]
  const StepDone decoded = watch("autoencoder", 1, observer);
  const torch::Tensor pictures = decoder_->movq->decode(
      latent.to(target_.dtype).contiguous(torch::MemoryFormat::ChannelsLast));  // [B,3,f·h,f·w]
  decoded();
  return to_images(finite(pictures, "autoencoder", target_));
}

std::vector<ImageEmbedding> KandinskyPipeline::embed(const std::vector<ImageRequest>& batch,
                                                     const DrawSettings& settings,
                                                     const StageObserver& observer) {
  const torch::InferenceMode inference;
  const NoiseSource noise(seeds_of(batch), target_.device);
  const KandinskyEmbeddings made = prior_->sample(batch, settings.steps.prior, noise, observer);
  std::vector<ImageEmbedding> embeddings;
  for (int64_t i = 0; i < made.image.size(0); ++i) {
    const int64_t rows = batch[static_cast<size_t>(i)].negative_prompt.empty() ? 1 : 2;
    embeddings.push_back(
        {row_of(made.image, i), row_of(made.negative, i), {settings.steps.prior, rows, made.image.size(1)}});
  }
  return embeddings;
}

ImageConditioning KandinskyPipeline::condition(const std::vector<ImageRequest>& batch,
                                               const torch::Tensor& image, const torch::Tensor& negative,
                                               bool guided, const torch::Tensor& hint) {
  TextRows text;
  if (decoder_->reads_text()) {
    std::vector<std::string> texts(guided ? batch.size() : 0);  // away from the empty text
    for (const ImageRequest& request : batch) texts.push_back(request.prompt);
    text = encode_rows(*decoder_->tokenizer, texts, kDecoderTokens, target_.device,
                       [this](const torch::Tensor& ids, const torch::Tensor& mask) {
                         return decoder_->text_encoder->forward(ids, mask);
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
