// From another image: its latent is noised part of the way, and only the rest of the steps is taken (SDEdit,
// arXiv:2108.01073). Reference: StableDiffusionImg2ImgPipeline.
#include <torch/types.h>

#include "check_images.h"
#include "stable_diffusion_tasks.h"

namespace unclip {

StableDiffusionRun stable_image_to_image(const StableDiffusionTask& task) {
  const int64_t steps = task.settings.steps.decoder;
  auto sampler = task.sampler(steps - steps_of_strength(task.settings.strength, steps));
  const torch::Tensor latent = task.decoder.encode(task.init_images(), task.noise),
                      noise = task.draw_noise();  // [B,4,h,w]
  const torch::Tensor start = sampler->add_noise(latent, noise, 0);
  return {std::move(sampler), start, {}};
}

}  // namespace unclip
