// Stage clip: text and vision tower learn to know which caption goes with which image.
#include "train/clip_towers.h"
#include "train/contrastive.h"

#include <torch/utils.h>

namespace unclip {
namespace {

// From an image's embedding to its pixels again, [B,P] → [B,3·S·S]: stands in for a decoder that is yet to be
// trained, and is thrown away.
struct PixelHeadImpl : torch::nn::Module {
  static constexpr int64_t kWidth = 1024;

  PixelHeadImpl(int64_t embedding, int64_t size)
      : first(embedding, kWidth), second(kWidth, kWidth), last(kWidth, 3 * size * size) {
    register_module("first", first);
    register_module("second", second);
    register_module("last", last);
  }
  torch::Tensor forward(const torch::Tensor& embedding) {
    return last(at::gelu(second(at::gelu(first(embedding)))));
  }

  Linear first, second, last;
};
TORCH_MODULE(PixelHead);

class ClipStage final : public Stage {
 public:
  explicit ClipStage(const TrainContext& context)
      : recipe_(context.recipe.stage("clip")),
        target_(context.target),
        source_(context.source),
        text_(CLIPTextConfig::from(Config(context.recipe.component("text_encoder"), "text_encoder"))),
        vision_(CLIPVisionConfig::from(Config(context.recipe.component("image_encoder"), "image_encoder"))),
        log_scale_(first_log_scale()) {
    initialize(*text_);
    initialize(*vision_);
    if (recipe_.reconstruction_weight == 0) return;
    head_ = PixelHead(vision_->config.projection_dim, vision_->config.image_size);
    initialize(*head_);
  }

  std::string name() const override { return "clip"; }
  std::vector<TrainedNet> nets() const override {
    return {{{"text_encoder"}, text_.ptr()}, {{"image_encoder"}, vision_.ptr()}};
  }
  std::vector<NamedTensor> parameters() const override {
    auto parameters = Stage::parameters();
    parameters.push_back({"logit_scale", log_scale_});
    if (head_)
      for (const auto& p : head_->named_parameters()) parameters.push_back({"head." + p.key(), p.value()});
    return parameters;
  }
  int image_size(const Phase&) const override { return static_cast<int>(vision_->config.image_size); }

  // Turns both projections alike, which leaves every cosine as it was, so that the numbers of the embedding
  // become its principal components (as unCLIP's first prior has them, section 2.2): what prior and decoder
  // standardise number by number is then standardised in all directions.
  void finish(std::map<std::string, torch::Tensor>& averaged) override {
    const torch::NoGradGuard no_grad;
    const torch::Tensor sample = embed_sample(vision_, *source_, target_).to(torch::kCPU, torch::kFloat64);
    const torch::Tensor axes =
        std::get<1>(at::linalg_eigh(at::cov(sample.t()))).t().flip(0);  // [P,P], widest first
    for (const char* name :
         {"text_encoder.text_projection.weight", "image_encoder.visual_projection.weight"}) {
      torch::Tensor& projection = averaged.at(name);
      projection = at::matmul(axes.to(projection.device(), projection.scalar_type()), projection);
    }
  }

  torch::Tensor loss(const Batch& batch, const Phase&, const at::Generator& chance) override {
    const torch::Tensor images = to_unit_range(batch.images, target_);
    const auto embed = [&](const torch::Tensor& ids, const torch::Tensor& mask) {
      return text_(hand_over(ids.narrow(1, 0, longest_text(mask)), target_.device)).pooled;
    };
    HardNegatives hard_negatives;
    if (batch.hard_negative_ids.defined()) {
      hard_negatives.embeddings =
          embed(batch.hard_negative_ids.flatten(0, 1), batch.hard_negative_mask.flatten(0, 1))
              .unflatten(0, batch.hard_negative_ids.sizes().slice(0, 2));  // [B,K,P]
      hard_negatives.absent =
          hand_over(batch.hard_negative_mask.any(2).logical_not(), target_.device);  // [B,K]
    }
    const torch::Tensor seen = vision_(normalize_for_clip(images));  // [B,P]
    const torch::Tensor loss =
        contrastive_loss(seen, embed(batch.ids, batch.mask), log_scale_, hard_negatives);
    if (!head_) return loss;
    // What a caption leaves out, where things stand and how large, tells no image from another of the batch:
    // contrast alone would not keep it in the embedding.
    const torch::Tensor pixels = head_(disturb(seen, recipe_.embedding_noise, chance));
    return loss + recipe_.reconstruction_weight *
                      at::mse_loss(pixels.to(torch::kFloat32), images.flatten(1).to(torch::kFloat32));
  }

 private:
  const StageRecipe& recipe_;
  DeviceAndDtype target_;
  std::shared_ptr<const ImageSource> source_;
  CLIPTextModelWithProjection text_;
  CLIPVisionModelWithProjection vision_;
  torch::Tensor log_scale_;
  PixelHead head_{nullptr};
};

}  // namespace

std::unique_ptr<Stage> make_clip_stage(const TrainContext& context) {
  return std::make_unique<ClipStage>(context);
}

}  // namespace unclip
