// Stage clip: text and vision tower learn to know which caption goes with which picture (Radford et al. 2021,
// arXiv:2103.00020, section 2.3 and figure 3).
#include <cmath>

#include "unclip/train/clip_towers.h"

namespace unclip {
namespace {

constexpr double kSharpest = 100;  // the temperature's limit, as in the paper

class ClipStage final : public Stage {
 public:
  explicit ClipStage(const TrainContext& context)
      : placement_(context.placement),
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

  torch::Tensor loss(const Batch& batch, const Phase&) override {
    const auto unit = [](const torch::Tensor& x) {
      const torch::Tensor wide = x.to(torch::kFloat32);
      return wide / wide.norm(2, -1, true);
    };
    const torch::Tensor pictures = to_unit_range(batch.pictures, placement_);
    const torch::Tensor of_pictures = unit(vision_(normalise_for_clip(pictures)));  // [B,P]
    // Padding is causally behind the text: without it the answer is the same, faster.
    const torch::Tensor ids = batch.ids.narrow(1, 0, batch.mask.sum(1).max().item<int64_t>());  // [B,longest]
    const torch::Tensor of_texts = unit(text_(ids.to(placement_.device)).pooled);               // [B,P]
    const torch::Tensor scale = log_scale_.to(torch::kFloat32).exp().clamp_max(kSharpest);
    const torch::Tensor logits = scale * at::matmul(of_pictures, of_texts.t());  // [B,B]
    const torch::Tensor own = at::arange(logits.size(0), logits.options().dtype(torch::kInt64));
    return (at::cross_entropy_loss(logits, own) + at::cross_entropy_loss(logits.t(), own)) / 2;
  }

 private:
  Placement placement_;
  CLIPTextModelWithProjection text_;
  CLIPVisionModelWithProjection vision_;
  torch::Tensor log_scale_;
};

}  // namespace

std::unique_ptr<Stage> make_clip_stage(const TrainContext& context) {
  return std::make_unique<ClipStage>(context);
}

}  // namespace unclip
