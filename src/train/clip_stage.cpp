// Stage clip: text and vision tower learn to know which caption goes with which picture (Radford et al. 2021,
// arXiv:2103.00020, section 2.3 and figure 3). A picture may also have to tell its caption from nearly true
// ones (NegCLIP, Yuksekgonul et al. 2023, arXiv:2210.01936).
#include <cmath>

#include "unclip/train/clip_towers.h"

namespace unclip {
namespace {

constexpr double kSharpest = 100;  // the temperature's limit, as in the paper

class ClipStage final : public Stage {
 public:
  explicit ClipStage(const TrainContext& context)
      : placement_(context.placement),
        source_(context.source),
        text_(CLIPTextConfig::from(Config(context.recipe.component("text_encoder"), "text_encoder"))),
        vision_(CLIPVisionConfig::from(Config(context.recipe.component("image_encoder"), "image_encoder"))),
        log_scale_(torch::full({1}, std::log(1 / 0.07))) {
    initialise(*text_);
    initialise(*vision_);
  }

  std::string name() const override { return "clip"; }
  std::vector<TrainedNet> nets() const override {
    return {{{"text_encoder"}, text_.ptr()}, {{"image_encoder"}, vision_.ptr()}};
  }
  std::vector<NamedTensor> parameters() const override {
    auto parameters = Stage::parameters();
    parameters.push_back({"logit_scale", log_scale_});
    return parameters;
  }
  int picture_size(const Phase&) const override { return static_cast<int>(vision_->config.image_size); }

  // Turns both projections alike, which leaves every cosine as it was, so that the numbers of the embedding
  // become its principal components (as unCLIP's first prior has them, section 2.2): what prior and decoder
  // standardise number by number is then standardised in all directions.
  void finish(std::map<std::string, torch::Tensor>& averaged) override {
    const torch::NoGradGuard no_grad;
    const torch::Tensor sample = embed_sample(vision_, *source_, placement_).to(torch::kCPU, torch::kFloat64);
    const torch::Tensor axes =
        std::get<1>(at::linalg_eigh(at::cov(sample.t()))).t().flip(0);  // [P,P], widest first
    for (const char* name :
         {"text_encoder.text_projection.weight", "image_encoder.visual_projection.weight"}) {
      torch::Tensor& projection = averaged.at(name);
      projection = at::matmul(axes.to(projection.device(), projection.scalar_type()), projection);
    }
  }

  torch::Tensor loss(const Batch& batch, const Phase&) override {
    const auto unit = [](const torch::Tensor& x) {
      const torch::Tensor wide = x.to(torch::kFloat32);
      return wide / wide.norm(2, -1, true);
    };
    const torch::Tensor pictures = to_unit_range(batch.pictures, placement_);
    const torch::Tensor of_pictures = unit(vision_(normalise_for_clip(pictures)));  // [B,P]
    // Padding is causally behind the text: without it the answer is the same, faster.
    const auto embed = [&](const torch::Tensor& ids, const torch::Tensor& mask) {
      const int64_t longest = mask.sum(1).max().item<int64_t>();
      return unit(text_(ids.narrow(1, 0, longest).to(placement_.device)).pooled);
    };
    const torch::Tensor of_texts = embed(batch.ids, batch.mask);  // [B,P]
    const torch::Tensor scale = log_scale_.to(torch::kFloat32).exp().clamp_max(kSharpest);
    const torch::Tensor logits = scale * at::matmul(of_pictures, of_texts.t());  // [B,B]
    const torch::Tensor own = at::arange(logits.size(0), logits.options().dtype(torch::kInt64));
    torch::Tensor choices = logits;  // of a picture
    if (batch.rival_ids.defined()) {
      const torch::Tensor of_rivals = embed(batch.rival_ids.flatten(0, 1), batch.rival_mask.flatten(0, 1));
      const torch::Tensor rivals =
          scale * at::matmul(of_rivals.view({own.size(0), -1, of_rivals.size(1)}), of_pictures.unsqueeze(2));
      const torch::Tensor absent = batch.rival_mask.any(2).logical_not().to(placement_.device);  // [B,K]
      choices = at::cat({logits, rivals.squeeze(2).masked_fill(absent, -INFINITY)}, 1);
    }
    return (at::cross_entropy_loss(choices, own) + at::cross_entropy_loss(logits.t(), own)) / 2;
  }

 private:
  Placement placement_;
  std::shared_ptr<const PictureSource> source_;
  CLIPTextModelWithProjection text_;
  CLIPVisionModelWithProjection vision_;
  torch::Tensor log_scale_;
};

}  // namespace

std::unique_ptr<Stage> make_clip_stage(const TrainContext& context) {
  return std::make_unique<ClipStage>(context);
}

}  // namespace unclip
