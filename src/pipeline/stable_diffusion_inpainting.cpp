// Repainting below a mask: the net sees the mask and the latent of what is kept, or, where it has no input
// for them, what is kept is put back after each step. Reference: StableDiffusionInpaintPipeline.
//
// Symbols: B batch, h w the latent's height and width, f the autoencoder's reduction.
#include <torch/types.h>

#include "from_images.h"
#include "image/resize.h"
#include "keep_unmasked.h"
#include "stable_diffusion_tasks.h"

namespace unclip {
namespace {

// 1 where the images are repainted, float32 [B,1,f·h,f·w]: white.
torch::Tensor repainted_pixels(const StableDiffusionTask& task) {
  const int64_t f = task.decoder.vae.config().reduction();
  std::vector<torch::Tensor> masks;
  for (const ImageRequest& request : task.batch)
    masks.push_back(to_tensor(to_gray(resize(*request.mask, static_cast<int>(task.width * f),
                                             static_cast<int>(task.height * f), ResizeFilter::lanczos))));
  return (at::cat(masks) >= 0.5).to(torch::kFloat32);
}

}  // namespace

// The order of the draws is the reference's: it takes the latent of what is kept also where its net does not
// see it.
StableDiffusionRun stable_inpainting(const StableDiffusionTask& task) {
  const torch::Tensor images = task.init_images(), repainted = repainted_pixels(task);  // [B,3 and 1,f·h,f·w]
  const torch::Tensor kept_images = images * (1 - repainted);
  const torch::Tensor mask = at::upsample_nearest2d(repainted, {task.height, task.width})
                                 .to(task.decoder.target.device);  // [B,1,h,w]
  auto sampler = task.sampler();
  if (task.decoder.repaints()) {
    const torch::Tensor noise = task.draw_noise(), kept = task.decoder.encode(kept_images, task.noise);
    const torch::Tensor start = sampler->start_scale() * noise;
    return {std::move(sampler), start, at::cat({mask, kept}, 1)};  // [B,5,h,w]
  }
  const torch::Tensor latent = task.decoder.encode(images, task.noise), noise = task.draw_noise();
  task.draw_noise();  // for the latent of what is kept
  const torch::Tensor start = sampler->start_scale() * noise;
  return {std::make_unique<KeepUnmasked>(std::move(sampler), latent, 1 - mask, noise), start, {}};
}

}  // namespace unclip
