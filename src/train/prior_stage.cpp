// Stage prior: from a caption to the embedding of an image that fits it, by diffusion (unCLIP,
// arXiv:2204.06125, section 2.2). The net predicts the clean embedding itself.
#include <ATen/Parallel.h>
#include <torch/utils.h>

#include "device/workers.h"
#include "prior/prior_transformer.h"
#include "support/interrupt.h"
#include "train/clip_towers.h"
#include "train/noising.h"
#include "weights/load.h"

namespace unclip {
namespace {

class PriorStage final : public Stage {
 public:
  explicit PriorStage(const TrainContext& context)
      : context_(context),
        recipe_(context.recipe.stage("prior")),
        towers_(context),
        prior_(PriorTransformerConfig::from(Config(context.recipe.component("prior"), "prior"))),
        noising_(ScheduleConfig::from_unclip(
                     Config(context.recipe.component("prior_scheduler"), "prior_scheduler")),
                 context.target.device) {
    initialize(*prior_);
    const torch::NoGradGuard no_grad;
    prior_->clip_mean.zero_();
    prior_->clip_std.fill_(1);
  }

  std::string name() const override { return "prior"; }
  std::vector<TrainedNet> nets() const override { return {{{"prior"}, prior_.ptr()}}; }
  std::vector<NamedTensor> parameters() const override {
    auto parameters = Stage::parameters();
    std::erase_if(parameters, [](const NamedTensor& p) {
      return p.name == "prior.clip_mean" || p.name == "prior.clip_std";
    });
    return parameters;
  }
  int image_size(const Phase&) const override { return towers_.image_size(); }

  // Mean and deviation of each number of the embedding: the net works on embeddings of one scale.
  void begin() override {
    const torch::NoGradGuard no_grad;
    const auto [mean, deviation, components] = towers_.statistics(*context_.source);
    prior_->clip_mean.copy_(mean);
    prior_->clip_std.copy_(deviation);
    // For `unclip reconstruct --components`.
    save_tensors(context_.model / "image_encoder" / "components.safetensors",
                 {{"mean", mean.flatten().cpu()}, {"components", components.cpu()}});
  }

  bool wants_images() const override { return recipe_.stored_examples == 0; }

  // The towers are frozen: what they say of an image and its caption is computed once.
  void prepare() override {
    if (wants_images()) return;
    const torch::NoGradGuard no_grad;
    constexpr int64_t kAtATime = 256;
    std::vector<Encoded> parts(static_cast<size_t>((recipe_.stored_examples + kAtATime - 1) / kAtATime));
    Workers workers(context_.target.device.is_cpu() ? at::get_num_threads() : 1);
    workers.for_each(static_cast<int64_t>(parts.size()), [&](int64_t i) {
      const torch::NoGradGuard none_here;
      throw_if_interrupted();
      const int64_t first = i * kAtATime, count = std::min(kAtATime, recipe_.stored_examples - first);
      parts[static_cast<size_t>(i)] =
          encode(draw_batch(context_.tokenizer.get(),
                            {context_.source.get(), static_cast<uint64_t>(first), count, image_size({})}));
    });
    const auto joined = [&](torch::Tensor Encoded::*part) {
      std::vector<torch::Tensor> all;
      for (const Encoded& each : parts) all.push_back(each.*part);
      return at::cat(all);
    };
    const torch::Tensor mask = joined(&Encoded::mask);
    const auto cut = [&](const torch::Tensor& t) { return t.narrow(1, 0, longest_text(mask)).contiguous(); };
    stored_ = {joined(&Encoded::image), joined(&Encoded::pooled), cut(joined(&Encoded::sequence)), cut(mask)};
    empty_ = towers_.embed_text(towers_.empty_ids);
  }

  void share(const Stage& first) override {
    const auto& prior = dynamic_cast<const PriorStage&>(first);
    stored_ = prior.stored_;
    empty_ = prior.empty_;
  }

  torch::Tensor loss(const Batch& batch, const Phase& phase, const at::Generator& chance) override {
    const torch::Device device = context_.target.device;
    const torch::Tensor mean = prior_->clip_mean.to(device, torch::kFloat32);
    const torch::Tensor deviation = prior_->clip_std.to(device, torch::kFloat32);
    const Encoded example =
        wants_images() ? encode(batch) : stored(static_cast<int64_t>(batch.captions.size()), chance);
    const torch::Tensor x0 = (example.image.to(torch::kFloat32) - mean) / deviation;  // [B,E]

    const torch::Tensor dropped =
        at::rand({x0.size(0), 1}, chance, x0.options()) < recipe_.caption_dropout;            // [B,1]
    const int64_t length = wants_images() ? longest_text(batch.mask) : stored_.mask.size(1);  // L
    const auto cut = [&](const torch::Tensor& t) { return t.narrow(1, 0, length); };
    const torch::Tensor mask = at::where(dropped, cut(towers_.empty_mask), cut(example.mask));  // [B,L]
    const TextFeatures empty = wants_images() ? towers_.embed_text(towers_.empty_ids) : empty_;
    const torch::Tensor pooled = at::where(dropped, empty.pooled, example.pooled);  // [B,D]
    const torch::Tensor sequence =
        at::where(dropped.unsqueeze(2), cut(empty.sequence), cut(example.sequence));  // [B,L,D]
    // Most of the work is the text's, which no noise changes: several draws of it for each cost little more.
    const Noised noised = noising_.noise(x0.repeat({recipe_.noise_draws, 1}), chance, phase.emphasis);
    const torch::Tensor answer =
        prior_->forward(noised.xt.to(context_.target.dtype), noised.t, prior_->read(pooled, sequence, mask));
    return noising_.loss(noised, answer, phase.emphasis);
  }

 private:
  // What the towers say of images and their captions.
  struct Encoded {
    torch::Tensor image;     // [B,E]
    torch::Tensor pooled;    // [B,D]
    torch::Tensor sequence;  // [B,L,D]
    torch::Tensor mask;      // bool [B,L]
  };

  Encoded encode(const Batch& batch) {
    const TextFeatures text = towers_.embed_text(hand_over(batch.ids, context_.target.device));
    return {towers_.embed_images(to_unit_range(batch.images, context_.target)), text.pooled, text.sequence,
            hand_over(batch.mask, context_.target.device)};
  }

  // `count` of the stored ones at random.
  Encoded stored(int64_t count, const at::Generator& chance) const {
    const torch::Tensor rows = at::randint(stored_.image.size(0), {count}, chance,
                                           torch::dtype(torch::kInt64).device(context_.target.device));
    const auto pick = [&](const torch::Tensor& of) { return of.index_select(0, rows); };
    return {pick(stored_.image), pick(stored_.pooled), pick(stored_.sequence), pick(stored_.mask)};
  }

  TrainContext context_;
  const StageRecipe& recipe_;
  ClipTowers towers_;
  PriorTransformer prior_;
  Noising noising_;
  Encoded stored_;  // where there are any
  TextFeatures empty_;
};

}  // namespace

std::unique_ptr<Stage> make_prior_stage(const TrainContext& context) {
  return std::make_unique<PriorStage>(context);
}

}  // namespace unclip
