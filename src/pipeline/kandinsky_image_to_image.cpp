// From another image: its latent is noised part of the way, and only the rest of the steps is taken
// (SDEdit, arXiv:2108.01073). Reference: KandinskyImg2ImgPipeline, KandinskyV22Img2ImgPipeline.
#include <torch/types.h>

#include "check_images.h"
#include "kandinsky_tasks.h"

namespace unclip {
namespace {

// Kandinsky 2.1 noises by another schedule than the one it samples by, as its makers did.
torch::Tensor add_noise_of_2_1(const torch::Tensor& latent, const torch::Tensor& noise, double strength) {
  const ScheduleConfig schedule;  // linear from 0.0001 to 0.02
  const auto timestep =
      static_cast<int64_t>(static_cast<double>(schedule.num_train_timesteps) * strength) - 2;
  return schedule.add_noise(latent, noise, std::max(timestep, int64_t{0}));
}

}  // namespace

KandinskyRun image_to_image(const KandinskyTask& task) {
  const int64_t steps = task.settings.steps.decoder;
  auto sampler = task.sampler(steps - steps_of_strength(task.settings.strength, steps));
  const torch::Tensor latent = task.encode_init_images(),
                      noise = task.draw_noise();  // [B,4,h,w]
  const torch::Tensor start =
      task.decoder.reads_text()
          ? sampler->input_scale(0) * add_noise_of_2_1(latent, noise, task.settings.strength)
          : sampler->add_noise(latent, noise, 0);
  return {std::move(sampler), start, {}, {}};
}

}  // namespace unclip
