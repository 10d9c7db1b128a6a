// A Kandinsky decoder's plain task, and what all its tasks share. Reference: KandinskyPipeline,
// KandinskyV22Pipeline.
#include <torch/types.h>

#include "check_images.h"
#include "kandinsky_tasks.h"
#include "kept_part.h"
#include "refuse.h"
#include "stage_run.h"

namespace unclip {
namespace {

void check_inputs(const KandinskyDecoder& decoder, const ImageRequest& request, bool repaint) {
  const bool repaints = decoder.repaints(), takes_hint = decoder.takes_hint();
  reject_if(request.mask && !repaints && !repaint, "mask",
            "this model cannot inpaint: its unet has no mask channels");
  reject_if(request.hint && !takes_hint, "hint",
            "this model takes no depth map: its unet has no input for it");
  reject_if(request.init_image && takes_hint, "init_image", "this model starts from a depth map only");
  if (repaints) expect_image(request.init_image, "init_image", "an image for this inpainting model");
  if (repaints) expect_image(request.mask, "mask", "a mask for this inpainting model");
  reject_if(request.noise_level > 0, "noise_level", "this model's decoder reads embeddings without noise");
  if (takes_hint) expect_image(request.hint, "hint", "a depth map for this model");
}

}  // namespace

void check_task(const KandinskyDecoder& decoder, const std::vector<ImageRequest>& batch,
                const DrawSettings& settings) {
  reject_if(settings.steps.upsampler > 0, "upsampler_steps", "this model has no upsampler");
  for (const ImageRequest& request : batch) check_inputs(decoder, request, settings.repaint);
  expect_alike_images(batch);
  const int64_t reduction = decoder.movq.config().reduction();
  expect_drawable(settings, reduction * reduction);
}

std::unique_ptr<ScheduledSampler> KandinskyTask::sampler(int64_t skip) const {
  const SamplerKind kind = settings.eta ? SamplerKind::ddim : settings.sampler.value_or(decoder.sampler);
  if (settings.repaint && !decoder.repaints()) reject_repainting(kind);
  return make_sampler(kind, decoder.schedule, settings.steps.decoder, skip, settings.eta.value_or(0));
}

torch::Tensor KandinskyTask::draw_noise() const {
  return noise.normal({decoder.movq.config().latent_channels, height, width});
}

torch::Tensor KandinskyTask::encode_init_images() const {
  const auto f = decoder.movq.config().reduction();
  const torch::Tensor all = init_images(batch, width * f, height * f)
                                .to(decoder.target.device, decoder.target.dtype)
                                .contiguous(torch::MemoryFormat::ChannelsLast);  // [B,3,f·h,f·w]
  return decoder.movq->encode(all).to(torch::kFloat32);                          // [B,4,h,w]
}

KandinskyRun text_to_image(const KandinskyTask& task) {
  auto sampler = task.sampler();
  const torch::Tensor noise = start_noise(
      task.batch, task.noise, {task.decoder.movq.config().latent_channels, task.height, task.width},
      task.decoder.target.device);
  const torch::Tensor start = sampler->start_scale() * noise;
  return {std::move(sampler), start, {}, {}};
}

}  // namespace unclip
