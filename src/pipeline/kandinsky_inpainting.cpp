// Repainting below a mask: the net sees the latent of what is kept and where that is. Reference:
// KandinskyInpaintPipeline, KandinskyV22InpaintPipeline.
//
// Symbols: B batch, h w the latent's height and width.
#include <torch/types.h>

#include "from_images.h"
#include "image/resize.h"
#include "kandinsky_tasks.h"
#include "keep_unmasked.h"
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

}  // namespace

KandinskyRun inpainting(const KandinskyTask& task) {
  const torch::Tensor latent = task.encode_init_images();  // [B,4,h,w]
  std::vector<torch::Tensor> masks;
  for (const ImageRequest& request : task.batch)
    masks.push_back(
        kept_part(*request.mask, task.height, task.width, task.decoder.movq.config().reduction()));
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
