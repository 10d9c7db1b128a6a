// Stage decoder: from the embedding of an image (and its caption) back to an image, by diffusion (unCLIP,
// arXiv:2204.06125, section 2.1). Phases without captions learn from images alone. The towers may be
// trained along, since contrast alone teaches the text tower little of what stands where: the text tower by
// both losses, the vision tower by the contrastive one, unless it is locked and the text tower learns its
// space (LiT, arXiv:2111.07991).
#include <torch/utils.h>

#include <algorithm>

#include "decoder/text_proj.h"
#include "decoder/unet_2d_condition.h"
#include "diffusion/denoise.h"
#include "image/tile.h"
#include "pipeline/to_images.h"
#include "train/clip_towers.h"
#include "train/contrastive.h"
#include "train/noising.h"

namespace unclip {
namespace {

// A text's features and which of its tokens are there, bool [B,L].
struct Caption : TextFeatures {
  torch::Tensor mask;
};

// In some phase.
ClipTowers::Trained trained_towers(const StageRecipe& recipe) {
  const bool trains = recipe.any(&Phase::train_towers);
  return {.text = trains, .vision = trains && recipe.train_image_encoder};
}

class DecoderStage final : public Stage {
  static constexpr int64_t kSheetImages = 16, kSheetColumns = 8, kSheetSteps = 25;
  static constexpr uint64_t kSheetFirst = uint64_t{1} << 40;  // images that training never comes to
  static constexpr double kSheetGuidance = 3;

 public:
  explicit DecoderStage(const TrainContext& context)
      : context_(context),
        recipe_(context.recipe.stage("decoder")),
        scheduler_(ScheduleConfig::from_unclip(
            Config(context.recipe.component("decoder_scheduler"), "decoder_scheduler"))),
        towers_(context, trained_towers(recipe_)),
        text_proj_(UnCLIPTextProjConfig::from(Config(context.recipe.component("text_proj"), "text_proj"))),
        decoder_(UNet2DConditionConfig::from(Config(context.recipe.component("decoder"), "decoder"))),
        noising_(scheduler_, context.target.device),
        log_scale_(first_log_scale()) {
    initialize(*text_proj_);
    initialize(*decoder_);
  }

  std::string name() const override { return "decoder"; }
  std::vector<TrainedNet> nets() const override {
    std::vector<TrainedNet> nets = {{{"decoder"}, decoder_.ptr()}, {{"text_proj"}, text_proj_.ptr()}};
    std::ranges::copy(towers_.nets(), std::back_inserter(nets));
    return nets;
  }
  std::vector<NamedTensor> parameters() const override {
    auto parameters = Stage::parameters();
    if (!towers_.nets().empty()) parameters.push_back({"logit_scale", log_scale_});
    return parameters;
  }
  int image_size(const Phase& phase) const override {
    return std::max(towers_.image_size(), static_cast<int>(sample_size(phase)));
  }

  // The numbers of an embedding differ much in how they vary; seen as they are, the small ones, which tell
  // what belongs to what, would be learned late.
  void begin() override {
    const ClipTowers::Statistics of_embeddings = towers_.statistics(*context_.source);
    text_proj_->standardise(of_embeddings.mean, of_embeddings.deviation);
  }

  // A recipe that does not learn the variance fixes it at the posterior's: v = −1 in arXiv:2102.09672,
  // eq. 15.
  void prepare() override {
    if (scheduler_.variance != ScheduleConfig::Variance::learned_range || recipe_.vlb_weight > 0) return;
    const torch::NoGradGuard no_grad;
    const auto parameters = decoder_->named_parameters();
    parameters["conv_out.weight"].chunk(2)[1].zero_();
    parameters["conv_out.bias"].chunk(2)[1].fill_(-1);
  }

  torch::Tensor loss(const Batch& batch, const Phase& phase, const at::Generator& chance) override {
    const torch::Device device = context_.target.device;
    towers_.freeze(!phase.train_towers);
    const torch::Tensor images = to_unit_range(batch.images, context_.target);
    const auto chosen = [&](double probability) {
      return at::rand({images.size(0), 1}, chance, torch::device(device)) < probability;  // [B,1]
    };
    const torch::Tensor no_caption = chosen(phase.captions ? recipe_.caption_dropout : 1);
    const torch::Tensor no_embedding = chosen(phase.embedding_dropout);
    const Caption text = embed_captions(batch, phase);
    const torch::Tensor seen = towers_.embed_images(shrink(images, towers_.image_size()));  // [B,E]
    const torch::Tensor embedding = at::where(
        no_embedding, text_proj_->learned_classifier_free_guidance_embeddings,
        disturb(recipe_.train_through_embedding ? seen : seen.detach(), recipe_.embedding_noise, chance));

    const Noised noised = noising_.noise(shrink(images, sample_size(phase)), chance, phase.emphasis);
    const torch::Tensor answer =
        predict(noised.xt, noised.t, embedding, drop(text, no_caption), /*guidance=*/false);
    const torch::Tensor loss = noising_.loss(noised, answer, phase.emphasis, recipe_.vlb_weight);
    if (!phase.train_towers || !phase.captions) return loss;
    return loss + recipe_.contrastive_weight * contrastive_loss(seen, text.pooled, log_scale_);
  }

  // Above: images never trained on. Below: drawn again from their embeddings, and from captions where the
  // phase has them.
  std::optional<Image> sample_sheet(const Phase& phase) override {
    const torch::NoGradGuard no_grad;
    const Batch batch = draw_batch(context_.tokenizer.get(),
                                   {context_.source.get(), kSheetFirst, kSheetImages, image_size(phase)});
    const torch::Tensor images = to_unit_range(batch.images, context_.target);
    torch::Tensor ids = batch.ids.to(context_.target.device), mask = batch.mask.to(context_.target.device);
    if (!phase.captions) {
      ids = towers_.empty_ids.expand_as(ids);
      mask = towers_.empty_mask.expand_as(mask);
    }
    const auto twice = [](const torch::Tensor& empty, const torch::Tensor& t) {
      return at::cat({empty.expand_as(t), t});  // unconditional, conditional
    };
    const Caption text{towers_.embed_text(twice(towers_.empty_ids, ids)), twice(towers_.empty_mask, mask)};
    const torch::Tensor embedding = towers_.embed_images(shrink(images, towers_.image_size()));
    const Predict net = [&](const torch::Tensor& x, float t) {
      const torch::Tensor time = torch::full({}, t, x.options());
      return predict(x, time, embedding, text, /*guidance=*/true).to(torch::kFloat32);
    };
    std::vector<uint64_t> seeds(kSheetImages);
    for (size_t i = 0; i < seeds.size(); ++i) seeds[i] = i;
    NoiseSource noise(seeds, context_.target.device);
    const auto sampler = make_sampler(SamplerKind::unclip, scheduler_, kSheetSteps);
    const int64_t size = sample_size(phase);
    const torch::Tensor scale =
        torch::full({kSheetImages}, kSheetGuidance, torch::device(context_.target.device));
    const torch::Tensor drawn =
        denoise(*sampler, noise.normal({3, size, size}), guided(net, scale), noise, [](const Estimate&) {});
    const torch::Tensor originals = shrink(images, size).to(torch::kFloat32);
    std::vector<torch::Tensor> rows;
    for (int64_t i = 0; i < kSheetImages; i += kSheetColumns) {
      rows.push_back(originals.narrow(0, i, kSheetColumns));
      rows.push_back(drawn.narrow(0, i, kSheetColumns));
    }
    return tile(to_images(at::cat(rows)), kSheetColumns, 1);
  }

 private:
  int64_t sample_size(const Phase& phase) const {
    return phase.size_or(context_.recipe.component("decoder").at("sample_size").get<int64_t>());
  }

  static torch::Tensor shrink(const torch::Tensor& images, int64_t size) {
    const int64_t factor = images.size(2) / size;
    return factor == 1 ? images : at::avg_pool2d(images, {factor, factor});
  }

  // Without padding, which is masked in the decoder too.
  Caption embed_captions(const Batch& batch, const Phase& phase) {
    const torch::Device device = context_.target.device;
    const int64_t longest = phase.captions ? longest_text(batch.mask) : 1;
    const auto cut = [&](const torch::Tensor& t) { return hand_over(t.narrow(1, 0, longest), device); };
    return {towers_.embed_text(cut(batch.ids)), cut(batch.mask)};
  }

  // Where `dropped` [B,1], the features of "" instead.
  Caption drop(const Caption& text, const torch::Tensor& dropped) {
    const auto cut = [&](const torch::Tensor& t) { return t.narrow(1, 0, text.mask.size(1)); };
    const TextFeatures empty = towers_.embed_text(cut(towers_.empty_ids));
    return {{at::where(dropped, empty.pooled, text.pooled),
             at::where(dropped.unsqueeze(2), empty.sequence, text.sequence)},
            at::where(dropped, cut(towers_.empty_mask), text.mask)};
  }

  // With `guidance`, the text's features hold twice the images of x_t's half and `embedding` those of one
  // half.
  torch::Tensor predict(const torch::Tensor& xt, const torch::Tensor& t, const torch::Tensor& embedding,
                        const Caption& text, bool guidance) {
    const auto [context, time] = text_proj_->forward(embedding, text.pooled, text.sequence, guidance);
    const int64_t extra = context.size(1) - text.mask.size(1);
    const torch::Tensor keep = at::constant_pad_nd(text.mask, {extra, 0}, 1);  // [B,X+L]
    const torch::Tensor x = xt.to(context_.target.dtype).contiguous(torch::MemoryFormat::ChannelsLast);
    return decoder_->forward(x, t, context, time, keep);
  }

  TrainContext context_;
  const StageRecipe& recipe_;
  ScheduleConfig scheduler_;
  ClipTowers towers_;
  UnCLIPTextProjModel text_proj_;
  UNet2DConditionModel decoder_;
  Noising noising_;
  torch::Tensor log_scale_;
};

}  // namespace

std::unique_ptr<Stage> make_decoder_stage(const TrainContext& context) {
  return std::make_unique<DecoderStage>(context);
}

}  // namespace unclip
