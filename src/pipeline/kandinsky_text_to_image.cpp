// A Kandinsky decoder's plain task, and what all its tasks share. Reference: KandinskyPipeline,
// KandinskyV22Pipeline.
#include <torch/torch.h>

#include "fit.h"
#include "from_images.h"
#include "image/resize.h"
#include "kandinsky_tasks.h"
#include "refuse.h"

namespace unclip {
namespace {

std::string size_text(int64_t width, int64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

void check_pictures(const KandinskyDecoder& decoder, const ImageRequest& request) {
  const bool repaints = decoder.repaints(), takes_hint = decoder.takes_hint();
  reject_if(request.mask && !repaints, "‹mask›",
            "this model does not repaint: its unet has no channels for a mask");
  reject_if(request.hint && !takes_hint, "‹hint›",
            "this model takes no depth map: its unet has no input for one");
  reject_if(request.init_image && takes_hint, "‹init_image›", "this model begins with a depth map alone");
  if (repaints && !(request.init_image && request.mask))
    throw Error(ExitCode::usage, "this model repaints: expected ‹init_image› and ‹mask›, one is missing",
                "pass both, or the model that draws from text alone");
  if (takes_hint && !request.hint)
    throw Error(ExitCode::usage, "this model draws after a depth map: expected ‹hint›, found none",
                "pass one, or the model that draws from text alone");
  if (request.mask && (request.mask->width != request.init_image->width ||
                       request.mask->height != request.init_image->height))
    throw Error(ExitCode::usage,
                "‹mask›: is " + size_text(request.mask->width, request.mask->height) + " pixels, expected " +
                    size_text(request.init_image->width, request.init_image->height) + " as ‹init_image›",
                "make the mask as large as the picture");
}

}  // namespace

void check_task(const KandinskyDecoder& decoder, const std::vector<ImageRequest>& batch,
                const DrawSettings& settings) {
  reject_if(settings.steps.upsampler > 0, "‹upsampler_steps›", "this model has no upsampler");
  for (const ImageRequest& request : batch) {
    check_pictures(decoder, request);
    if ((request.init_image == nullptr) != (batch[0].init_image == nullptr))
      throw Error(ExitCode::usage, "expected ‹init_image› for every picture of a batch, or for none");
  }
  if (settings.strength < 0 || settings.strength > 1)
    throw Error(ExitCode::usage, "‹strength›: is " + std::to_string(settings.strength) + ", expected 0 to 1",
                "choose a share of the steps");
  const int64_t reduction = decoder.movq->config.reduction(), smallest = reduction * reduction;
  for (const int side : {settings.width, settings.height})
    if (side != 0 && (side < smallest || side > kLargestPictureSide))
      throw Error(ExitCode::usage,
                  "‹size›: is " + size_text(settings.width, settings.height) + ", expected " +
                      std::to_string(smallest) + " to " + std::to_string(kLargestPictureSide) +
                      " pixels a side",
                  "choose another size");
}

std::unique_ptr<ScheduledSampler> KandinskyTask::sampler(int64_t skip) const {
  return make_sampler(settings.sampler.value_or(decoder.sampler), decoder.schedule, settings.steps.decoder,
                      skip);
}

torch::Tensor KandinskyTask::draw_noise() const {
  return noise.normal({decoder.movq->config.latent_channels, height, width});
}

torch::Tensor KandinskyTask::encode(std::shared_ptr<const Image> ImageRequest::*picture) const {
  const auto f = decoder.movq->config.reduction();
  std::vector<torch::Tensor> pictures;
  for (const ImageRequest& request : batch)
    pictures.push_back(to_tensor(resize(to_rgb(*(request.*picture)), static_cast<int>(width * f),
                                        static_cast<int>(height * f), ResizeFilter::bicubic,
                                        /*reduce_first=*/true)));
  const torch::Tensor all = (at::cat(pictures) * 2 - 1)
                                .to(decoder.target.device, decoder.target.dtype)
                                .contiguous(torch::MemoryFormat::ChannelsLast);  // [B,3,f·h,f·w]
  return decoder.movq->encode(all).to(torch::kFloat32);                          // [B,4,h,w]
}

KandinskyRun text_to_image(const KandinskyTask& task) { return {task.sampler(), task.draw_noise(), {}, {}}; }

}  // namespace unclip
