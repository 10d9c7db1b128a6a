// Stable Diffusion's plain task, and what all its tasks share. Reference: StableDiffusionPipeline.
#include <torch/types.h>

#include "check_images.h"
#include "draw_latents.h"
#include "from_images.h"
#include "image/resize.h"
#include "refuse.h"
#include "stable_diffusion_tasks.h"
#include "stable_diffusion_text.h"
#include "stage_run.h"

namespace unclip {

void check_stable_task(const StableDiffusionDecoder& decoder, const std::vector<ImageRequest>& batch,
                       const DrawSettings& settings) {
  reject_if(settings.steps.upsampler > 0, "upsampler_steps", "this model has no upsampler");
  for (const ImageRequest& request : batch) {
    reject_if(request.hint != nullptr, "hint", "this model takes no depth map");
    if (decoder.repaints())
      expect_image(request.init_image, "init_image", "an image for this inpainting model");
    if (decoder.repaints()) expect_image(request.mask, "mask", "a mask for this inpainting model");
  }
  expect_alike_images(batch);
  expect_drawable(settings, decoder.vae.config().reduction());
}

std::unique_ptr<ScheduledSampler> StableDiffusionTask::sampler(int64_t skip) const {
  return make_sampler(settings.eta ? SamplerKind::ddim : settings.sampler.value_or(decoder.sampler),
                      decoder.schedule, settings.steps.decoder, skip, settings.eta.value_or(0));
}

torch::Tensor StableDiffusionTask::draw_noise() const {
  return start_noise(batch, noise, {decoder.latent_channels(), height, width}, decoder.target.device);
}

torch::Tensor StableDiffusionTask::init_images() const {
  const int64_t f = decoder.vae.config().reduction();
  std::vector<torch::Tensor> images;
  for (const ImageRequest& request : batch)
    images.push_back(to_tensor(resize(to_rgb(*request.init_image), static_cast<int>(width * f),
                                      static_cast<int>(height * f), ResizeFilter::lanczos)));
  return at::cat(images) * 2 - 1;
}

StableDiffusionRun begin_stable_diffusion(const StableDiffusionTask& task) {
  if (task.batch.front().mask) return stable_inpainting(task);
  return task.batch.front().init_image ? stable_image_to_image(task) : stable_text_to_image(task);
}

StableDiffusionConditions read_stable_text(StableDiffusionText& text, const std::vector<ImageRequest>& batch,
                                           torch::Device device) {
  const bool is_on = is_guided(batch, &Guidance::decoder);
  StableDiffusionConditions told;
  told.text = text.encode(batch, is_on);
  if (is_on) told.scale = guidance_scales(batch, &Guidance::decoder, device);
  return told;
}

std::vector<Image> draw_stable_diffusion(const StableDiffusionTask& task,
                                         const StableDiffusionConditions& told, const Observer& observer) {
  const StableDiffusionRun run = begin_stable_diffusion(task);
  const auto decode = [&](const torch::Tensor& latent) { return task.decoder.decode(latent); };
  return draw_latents({*run.sampler, run.start, task.decoder.predict(told, run.beside), decode}, task.noise,
                      task.settings.previews, observer, task.decoder.target);
}

StableDiffusionRun stable_text_to_image(const StableDiffusionTask& task) {
  auto sampler = task.sampler();
  const torch::Tensor start = sampler->start_scale() * task.draw_noise();
  return {std::move(sampler), start, {}};
}

}  // namespace unclip
