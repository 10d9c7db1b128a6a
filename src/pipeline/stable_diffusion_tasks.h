// What a Stable Diffusion decoder can be asked for; a file each.
#pragma once

#include "pipeline/stable_diffusion_decoder.h"

namespace unclip {

class StableDiffusionText;

// All that a task starts from. Symbols: B batch, h w the latent's height and width, f the autoencoder's
// reduction.
struct StableDiffusionTask {
  StableDiffusionDecoder& decoder;
  const std::vector<ImageRequest>& batch;
  const DrawSettings& settings;
  int64_t height, width;  // of the latent: h, w
  NoiseSource& noise;

  std::unique_ptr<ScheduledSampler> sampler(int64_t skip = 0) const;
  torch::Tensor draw_noise() const;  // or what the requests bring; float32 [B,4,h,w]
  torch::Tensor init_images()
      const;  // of the requests, resized to what is drawn; float32 [B,3,f·h,f·w] in −1…1
};

// What one run begins with, and what its net sees all along.
struct StableDiffusionRun {
  std::unique_ptr<Sampler> sampler;
  torch::Tensor start;   // x_T, float32 [B,4,h,w]
  torch::Tensor beside;  // [B,5,h,w] stands beside the noisy latent; undefined: nothing does
};

// The one of the following that the requests ask for.
StableDiffusionRun begin_stable_diffusion(const StableDiffusionTask& task);

StableDiffusionRun stable_text_to_image(const StableDiffusionTask& task);
StableDiffusionRun stable_image_to_image(const StableDiffusionTask& task);  // --init-image, --strength
StableDiffusionRun stable_inpainting(const StableDiffusionTask& task);      // --init-image, --mask

// The prompts and the scales of guidance; other conditions are left open.
StableDiffusionConditions read_stable_text(StableDiffusionText& text, const std::vector<ImageRequest>& batch,
                                           torch::Device device);

// From the start to pixels.
std::vector<Image> draw_stable_diffusion(const StableDiffusionTask& task,
                                         const StableDiffusionConditions& told, const Observer& observer);

// Throws Error(usage) for images that the decoder has no use for or that it lacks, for sizes that it cannot
// draw, and for settings outside their range.
void check_stable_task(const StableDiffusionDecoder& decoder, const std::vector<ImageRequest>& batch,
                       const DrawSettings& settings);

}  // namespace unclip
