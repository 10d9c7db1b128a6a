// Stage upsampler: from the decoder's size to 256 pixels, by diffusion on crops, beside a small image that
// was blurred and made noisy so that the net forgives the decoder's faults (unCLIP, arXiv:2204.06125,
// section 2.1).
#include "diffusion/denoise.h"
#include "image/tile.h"
#include "pipeline/to_images.h"
#include "train/noising.h"
#include "train/stage.h"
#include "upsampler/unet_2d.h"

#include <torch/utils.h>

namespace unclip {
namespace {

// Sets a new net to give back its hint as it is, so that training begins at plain enlargement instead of
// learning to copy first: the hint's colors and their negatives go past all levels by the first skip,
// constants beside them in each group keep the last norm from taking brightness and contrast away, and
// SiLU(x) − SiLU(−x) = x. Nets whose first level has no room for that (three groups of four channels) stay as
// they are.
void begin_as_copy(UNet2DModel& net, int64_t groups) {
  constexpr double kConstant = 4, kUsualSquare = 0.3;  // the latter of a color in −1 … 1
  const torch::NoGradGuard no_grad;
  const auto parameters = net->named_parameters();
  const auto get = [&](const std::string& name) { return parameters[name]; };
  const torch::Tensor in = get("conv_in.weight"), out = get("conv_out.weight");  // [C,6,3,3], [3,C,3,3]
  const int64_t channels = in.size(0), width = channels / groups;
  if (groups < 3 || width < 4 || in.size(1) != 6) return;
  const int64_t middle = in.size(2) / 2;
  out.zero_();
  get("conv_out.bias").zero_();
  for (int64_t color = 0; color < 3; ++color) {
    const int64_t first = color * width;  // +color, −color, +constant, −constant
    in.narrow(0, first, 4).zero_();
    get("conv_in.bias").narrow(0, first, 4).copy_(torch::tensor({0.0, 0.0, kConstant, -kConstant}));
    for (const int64_t sign : {1, -1}) {
      const int64_t channel = first + (1 - sign) / 2;
      in[channel][3 + color][middle][middle] = sign;
      get("conv_norm_out.weight")[channel] =
          std::sqrt(2 * (kConstant * kConstant + kUsualSquare) / static_cast<double>(width));
      out[color][channel][middle][middle] = sign;
    }
  }
  // The last residual block is given what comes from below and conv_in's result; its shortcut passes the
  // latter.
  torch::Tensor shortcut, bias;
  for (const auto& p : parameters) {
    if (p.key().ends_with("conv_shortcut.weight")) shortcut = p.value();  // [C,C+C,1,1]
    if (p.key().ends_with("conv_shortcut.bias")) bias = p.value();
  }
  shortcut.zero_().narrow(1, shortcut.size(1) - channels, channels).squeeze(3).squeeze(2).fill_diagonal_(1);
  bias.zero_();
}

class UpsamplerStage final : public Stage {
  static constexpr int64_t kSheetImages = 4, kSheetSteps = 7;
  static constexpr uint64_t kSheetFirst = uint64_t{1} << 40;  // images that training never comes to

 public:
  explicit UpsamplerStage(const TrainContext& context)
      : context_(context),
        recipe_(context.recipe.stage("upsampler")),
        scheduler_(ScheduleConfig::from_unclip(
            Config(context.recipe.component("super_res_scheduler"), "super_res_scheduler"))),
        size_(context.recipe.component("super_res_first").at("sample_size").get<int64_t>()),
        factor_(size_ / context.recipe.component("decoder").at("sample_size").get<int64_t>()),
        net_(UNet2DConfig::from(Config(context.recipe.component("super_res_first"), "super_res_first"))),
        noising_(scheduler_, context.target.device),
        blur_(torch::tensor({0.25F, 0.5F, 0.25F}).to(context.target.device)) {
    initialize(*net_);
  }

  std::string name() const override { return "upsampler"; }
  // One net serves all steps; the layout wants it twice.
  std::vector<TrainedNet> nets() const override {
    return {{{"super_res_first", "super_res_last"}, net_.ptr()}};
  }
  void begin() override {
    begin_as_copy(net_, context_.recipe.component("super_res_first").value("norm_num_groups", int64_t{32}));
  }
  int image_size(const Phase&) const override { return static_cast<int>(size_); }
  bool wants_text() const override { return false; }

  torch::Tensor loss(const Batch& batch, const Phase& phase, const at::Generator& chance) override {
    const torch::Tensor large = whole(batch.images);
    const torch::Tensor enlarged = enlarge(spoil(at::avg_pool2d(large, {factor_, factor_}), chance));
    const int64_t side = phase.size_or(size_);
    const at::Generator places = on_host(chance);
    std::vector<torch::Tensor> targets, hints;
    for (int64_t i = 0; i < large.size(0); ++i) {
      for (int64_t crop = 0; crop < recipe_.crops; ++crop) {
        const auto at_random = [&] {
          return at::randint(0, size_ - side + 1, {1}, places, torch::kInt64).item<int64_t>();
        };
        const int64_t y = at_random(), x = at_random();
        targets.push_back(large[i].narrow(1, y, side).narrow(2, x, side));
        hints.push_back(enlarged[i].narrow(1, y, side).narrow(2, x, side));
      }
    }
    const Noised noised = noising_.noise(at::stack(targets), chance, phase.emphasis);  // [B·crops,3,…]
    return noising_.loss(noised, predict(noised.xt, noised.t, at::stack(hints)), phase.emphasis);
  }

  // Above: bicubic enlargement. Below: drawn.
  std::optional<Image> sample_sheet(const Phase&) override {
    const torch::NoGradGuard no_grad;
    const Batch batch =
        draw_batch(nullptr, {context_.source.get(), kSheetFirst, kSheetImages, static_cast<int>(size_)});
    const torch::Tensor hint = enlarge(at::avg_pool2d(whole(batch.images), {factor_, factor_}));
    const Predict net = [&](const torch::Tensor& x, float t) {
      return predict(x, torch::full({}, t, x.options()), hint).to(torch::kFloat32);
    };
    NoiseSource noise({0, 1, 2, 3}, context_.target.device);
    const auto sampler = make_sampler(SamplerKind::unclip, scheduler_, kSheetSteps);
    const torch::Tensor drawn =
        denoise(*sampler, noise.normal({3, size_, size_}), net, noise, [](const Estimate&) {});
    return tile(to_images(at::cat({hint, drawn})), kSheetImages, 1);
  }

 private:
  torch::Tensor whole(const torch::Tensor& images) const {
    return to_unit_range(images, {context_.target.device, torch::kFloat32});
  }
  // As the pipeline enlarges the decoder's image.
  torch::Tensor enlarge(const torch::Tensor& small) const {
    return at::_upsample_bicubic2d_aa(small, {size_, size_}, /*align_corners=*/false);
  }

  // A blur and a noise of random strength for each image.
  torch::Tensor spoil(const torch::Tensor& small, const at::Generator& chance) const {
    const auto strength = [&](double most) {
      return at::rand({small.size(0), 1, 1, 1}, chance, small.options()) * most;
    };
    // The binomial blur has σ = 0.7 pixels; mixed with the image it has any σ below.
    const torch::Tensor kernel = at::outer(blur_, blur_).expand({3, 1, 3, 3});
    const torch::Tensor padded = at::pad(small, {1, 1, 1, 1}, "replicate");
    const torch::Tensor blurred = at::conv2d(padded, kernel, {}, 1, at::IntArrayRef{0}, 1, 3);
    return at::lerp(small, blurred, (strength(recipe_.blur) / 0.7).square().clamp_max(1)) +
           strength(recipe_.noise) * at::randn(small.sizes(), chance, small.options());
  }

  torch::Tensor predict(const torch::Tensor& xt, const torch::Tensor& t, const torch::Tensor& hint) {
    const torch::Tensor both =
        at::cat({xt, hint}, 1).to(context_.target.dtype).contiguous(torch::MemoryFormat::ChannelsLast);
    return net_->forward(both, t);  // [B,3,H,W]
  }

  TrainContext context_;
  const StageRecipe& recipe_;
  ScheduleConfig scheduler_;
  int64_t size_;    // pixels a side
  int64_t factor_;  // how many times the decoder's
  UNet2DModel net_;
  Noising noising_;
  torch::Tensor blur_;  // a line of the 3×3 binomial kernel
};

}  // namespace

std::unique_ptr<Stage> make_upsampler_stage(const TrainContext& context) {
  return std::make_unique<UpsamplerStage>(context);
}

}  // namespace unclip
