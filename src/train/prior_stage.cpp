// Stage prior: from a caption to the embedding of a picture that fits it, by diffusion (unCLIP,
// arXiv:2204.06125, section 2.2). The net predicts the clean embedding itself.
#include "prior/prior_transformer.h"
#include "train/clip_towers.h"
#include "train/noising.h"

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
    initialise(*prior_);
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
  int picture_size(const Phase&) const override { return towers_.picture_size(); }

  // Mean and deviation of each number of the embedding: the net works on embeddings of one scale.
  void begin() override {
    const torch::NoGradGuard no_grad;
    const auto [mean, deviation] = towers_.statistics(*context_.source);
    prior_->clip_mean.copy_(mean);
    prior_->clip_std.copy_(deviation);
  }

  torch::Tensor loss(const Batch& batch, const Phase&, const at::Generator& chance) override {
    const torch::Device device = context_.target.device;
    const torch::Tensor pictures = to_unit_range(batch.pictures, context_.target);
    const torch::Tensor mean = prior_->clip_mean.to(device, torch::kFloat32);
    const torch::Tensor deviation = prior_->clip_std.to(device, torch::kFloat32);
    const torch::Tensor x0 =
        (towers_.embed_pictures(pictures).to(torch::kFloat32) - mean) / deviation;  // [B,E]

    const torch::Tensor dropped =
        at::rand({x0.size(0), 1}, chance, x0.options()) < recipe_.caption_dropout;             // [B,1]
    const torch::Tensor ids = at::where(dropped, towers_.empty_ids, batch.ids.to(device));     // [B,L]
    const torch::Tensor mask = at::where(dropped, towers_.empty_mask, batch.mask.to(device));  // [B,L]
    const TextFeatures text = towers_.embed_text(ids);
    const Noised noised = noising_.noise(x0, chance);
    const torch::Tensor answer = prior_->forward(noised.xt.to(context_.target.dtype), noised.t, text.pooled,
                                                 text.sequence, mask);  // [B,E]
    return noising_.loss(noised, answer, recipe_);
  }

 private:
  TrainContext context_;
  const StageRecipe& recipe_;
  ClipTowers towers_;
  PriorTransformer prior_;
  Noising noising_;
};

}  // namespace

std::unique_ptr<Stage> make_prior_stage(const TrainContext& context) {
  return std::make_unique<PriorStage>(context);
}

}  // namespace unclip
