// From the start to images.
#include "draw_latents.h"

#include <torch/types.h>

#include "finite.h"
#include "stage_run.h"
#include "to_images.h"

namespace unclip {

std::vector<Image> draw_latents(const LatentRun& run, NoiseSource& noise, const Previews& previews,
                                const Observer& observer, const DeviceAndDtype& target) {
  const StepDone step_done = watch_decoder(run.sampler, previews, observer, run.decode);
  const torch::Tensor latent =
      finite(denoise(run.sampler, run.start, run.net, noise, step_done), "decoder", target);  // [B,4,h,w]
  observer("autoencoder", 0, 1);
  const torch::Tensor images = run.decode(latent);  // [B,3,f·h,f·w]
  observer("autoencoder", 1, 1);
  return to_images(finite(images, "autoencoder", target));
}

}  // namespace unclip
