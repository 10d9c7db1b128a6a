// A Kandinsky decoder's plain task, and what all its tasks share. Reference: KandinskyPipeline,
// KandinskyV22Pipeline.
#include <torch/torch.h>

#include "fit.h"
#include "kandinsky_tasks.h"
#include "kept_part.h"
#include "refuse.h"
#include "stage_run.h"

namespace unclip {
namespace {

std::string size_text(int64_t width, int64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

void check_images(const KandinskyDecoder& decoder, const ImageRequest& request, bool repaint) {
  const bool repaints = decoder.repaints(), takes_hint = decoder.takes_hint();
  reject_if(request.mask && !repaints && !repaint, "mask",
            "this model cannot inpaint: its unet has no mask channels");
  reject_if(request.hint && !takes_hint, "hint",
            "this model takes no depth map: its unet has no input for it");
  reject_if(request.init_image && takes_hint, "init_image", "this model starts from a depth map only");
  const auto require = [](const auto& given, const char* field, const char* expected) {
    if (!given)
      throw Error(ExitCode::usage, Cause{.field = field, .expected = expected, .found = "none"},
                  "pass one, or use a text-to-image model");
  };
  if (repaints) require(request.init_image, "init_image", "an image for this inpainting model");
  if (repaints) require(request.mask, "mask", "a mask for this inpainting model");
  if (takes_hint) require(request.hint, "hint", "a depth map for this model");
  if (request.mask && (request.mask->width != request.init_image->width ||
                       request.mask->height != request.init_image->height))
    throw Error(ExitCode::usage,
                Cause{.field = "mask",
                      .expected = size_text(request.init_image->width, request.init_image->height) +
                                  " pixels, the size of the initial image",
                      .found = size_text(request.mask->width, request.mask->height)},
                "resize the mask");
}

}  // namespace

void check_task(const KandinskyDecoder& decoder, const std::vector<ImageRequest>& batch,
                const DrawSettings& settings) {
  reject_if(settings.steps.upsampler > 0, "upsampler_steps", "this model has no upsampler");
  for (const ImageRequest& request : batch) {
    check_images(decoder, request, settings.repaint);
    if ((request.init_image == nullptr) != (batch[0].init_image == nullptr))
      throw Error(ExitCode::usage, Cause{.field = "init_image",
                                         .expected = "one for each image of the batch, or none",
                                         .found = "one for some of them"});
  }
  if (settings.strength < 0 || settings.strength > 1)
    throw Error(ExitCode::usage,
                Cause{.field = "strength", .expected = "0 to 1", .found = std::to_string(settings.strength)});
  const int64_t reduction = decoder.movq->config.reduction(), smallest = reduction * reduction;
  for (const int side : {settings.width, settings.height})
    if (side != 0 && (side < smallest || side > kLargestImageSide))
      throw Error(ExitCode::usage,
                  Cause{.field = "size",
                        .expected = std::to_string(smallest) + " to " + std::to_string(kLargestImageSide) +
                                    " pixels per side",
                        .found = size_text(settings.width, settings.height)},
                  "choose another size");
}

std::unique_ptr<ScheduledSampler> KandinskyTask::sampler(int64_t skip) const {
  const SamplerKind kind = settings.eta ? SamplerKind::ddim : settings.sampler.value_or(decoder.sampler);
  if (settings.repaint && !decoder.repaints()) reject_repainting(kind);
  return make_sampler(kind, decoder.schedule, settings.steps.decoder, skip, settings.eta.value_or(0));
}

torch::Tensor KandinskyTask::draw_noise() const {
  return noise.normal({decoder.movq->config.latent_channels, height, width});
}

torch::Tensor KandinskyTask::encode_init_images() const {
  const auto f = decoder.movq->config.reduction();
  const torch::Tensor all = init_images(batch, width * f, height * f)
                                .to(decoder.target.device, decoder.target.dtype)
                                .contiguous(torch::MemoryFormat::ChannelsLast);  // [B,3,f·h,f·w]
  return decoder.movq->encode(all).to(torch::kFloat32);                          // [B,4,h,w]
}

KandinskyRun text_to_image(const KandinskyTask& task) {
  auto sampler = task.sampler();
  const torch::Tensor noise = start_noise(
      task.batch, task.noise, {task.decoder.movq->config.latent_channels, task.height, task.width},
      task.decoder.target.device);
  const torch::Tensor start = sampler->start_scale() * noise;
  return {std::move(sampler), start, {}, {}};
}

}  // namespace unclip
