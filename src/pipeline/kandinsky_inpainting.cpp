// Repainting below a mask: the net sees the latent of what is kept and where that is. Reference:
// KandinskyInpaintPipeline, KandinskyV22InpaintPipeline.
//
// Symbols: B batch, h w the latent's height and width.
#include <torch/torch.h>

#include "from_images.h"
#include "image/resize.h"
#include "kandinsky_tasks.h"
#include "kept_part.h"

namespace unclip {
namespace {

// 1 where the image is kept, float32 [1,1,h,w]. White is repainted.
torch::Tensor kept_part(const Image& mask, int64_t height, int64_t width, int64_t reduction) {
  const Image resized = to_gray(resize(mask, static_cast<int>(width * reduction),
                                       static_cast<int>(height * reduction), ResizeFilter::lanczos));
  const torch::Tensor repainted = (to_tensor(resized) >= 0.5).to(torch::kFloat32);  // [1,1,f·h,f·w]
  const torch::Tensor small = at::upsample_nearest2d(repainted, {height, width});   // [1,1,h,w]
  // The repainted part grows by a position to the left, right, above and below, and along one diagonal.
  const torch::Tensor padded = at::constant_pad_nd(small, {1, 1, 1, 1});  // [1,1,h+2,w+2]
  torch::Tensor grown = small;
  for (const auto& [y, x] : {std::pair{0, 1}, {1, 0}, {0, 0}, {2, 1}, {1, 2}, {2, 2}})
    grown = at::maximum(grown, padded.slice(2, y, y + height).slice(3, x, x + width));
  return 1 - grown;
}

// Kandinsky 2.2 puts what is kept back after each step, noised as far as the step has come.
class KeepUnmasked final : public Sampler {
 public:
  KeepUnmasked(std::unique_ptr<ScheduledSampler> inner, torch::Tensor latent, torch::Tensor kept,
               torch::Tensor noise)
      : inner_(std::move(inner)),
        latent_(std::move(latent)),
        kept_(std::move(kept)),
        noise_(std::move(noise)) {}

  const std::vector<float>& timesteps() const override { return inner_->timesteps(); }
  float start_scale() const override { return inner_->start_scale(); }
  float input_scale(size_t i) const override { return inner_->input_scale(i); }

  torch::Tensor step(size_t i, const torch::Tensor& output, const torch::Tensor& x,
                     NoiseSource& noise) override {
    const torch::Tensor drawn = inner_->step(i, output, x, noise);
    const bool last = i + 1 == timesteps().size();
    const torch::Tensor original = last ? latent_ : inner_->add_noise(latent_, noise_, i + 1);
    return kept_ * original + (1 - kept_) * drawn;
  }

  torch::Tensor estimate(size_t i, const torch::Tensor& output, const torch::Tensor& x) const override {
    return kept_ * latent_ + (1 - kept_) * inner_->estimate(i, output, x);
  }

 private:
  std::unique_ptr<ScheduledSampler> inner_;
  torch::Tensor latent_, kept_, noise_;
};

}  // namespace

KandinskyRun inpainting(const KandinskyTask& task) {
  const torch::Tensor latent = task.encode_init_images();  // [B,4,h,w]
  std::vector<torch::Tensor> masks;
  for (const ImageRequest& request : task.batch)
    masks.push_back(kept_part(*request.mask, task.height, task.width, task.decoder.movq->config.reduction()));
  const torch::Tensor kept = at::cat(masks).to(latent.device());   // [B,1,h,w]
  const torch::Tensor beside = at::cat({latent * kept, kept}, 1);  // [B,5,h,w]
  const torch::Tensor noise = task.draw_noise();
  auto sampler = task.sampler();
  const torch::Tensor start = sampler->start_scale() * noise;
  if (task.decoder.reads_text()) return {std::move(sampler), start, beside, {}};
  return {std::make_unique<KeepUnmasked>(std::move(sampler), latent, kept, noise), start, beside, {}};
}

KandinskyRun repainting(const KandinskyTask& task) {
  const KeptPart kept{task.encode_init_images(),
                      kept_positions(task.batch, task.width, task.height).to(task.decoder.target.device)};
  auto sampler = std::make_unique<RepaintSampler>(task.sampler(), kept, kRepaintRounds);
  const torch::Tensor start = sampler->start_scale() * task.draw_noise();
  return {std::move(sampler), start, {}, {}};
}

}  // namespace unclip
