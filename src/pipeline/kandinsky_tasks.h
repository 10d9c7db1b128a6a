// What Kandinsky's decoders can be asked for; a file each.
#pragma once

#include "pipeline/kandinsky.h"

namespace unclip {

// All that a task starts from. Symbols: B batch, h w the latent's height and width, f the autoencoder's
// reduction.
struct KandinskyTask {
  KandinskyDecoder& decoder;
  const std::vector<ImageRequest>& batch;
  const DrawSettings& settings;
  int64_t height, width;  // of the latent: h, w
  NoiseSource& noise;

  std::unique_ptr<ScheduledSampler> sampler(int64_t skip = 0) const;
  torch::Tensor draw_noise() const;  // float32 [B,4,h,w]

  // init_image of each request, resized to what is drawn, as a latent. float32 [B,4,h,w]
  torch::Tensor encode_init_images() const;
};

KandinskyRun text_to_image(const KandinskyTask& task);
KandinskyRun image_to_image(const KandinskyTask& task);  // --init-image, --strength
KandinskyRun repainting(const KandinskyTask& task);      // the same, by a net that has no input for a mask
KandinskyRun inpainting(const KandinskyTask& task);      // --init-image, --mask
KandinskyRun depth_control(const KandinskyTask& task);   // --hint

// Throws Error(usage) for images that the decoder has no use for or that it lacks, and for settings outside
// their range.
void check_task(const KandinskyDecoder& decoder, const std::vector<ImageRequest>& batch,
                const DrawSettings& settings);

}  // namespace unclip
