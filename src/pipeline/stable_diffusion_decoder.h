// What the models that grew from Stable Diffusion share (Rombach et al. 2022, arXiv:2112.10752): a UNet that
// draws latents after a text, the autoencoder that makes images of them, and the schedule.
//
// Symbols: B batch, L text tokens, D text width, h w the latent's height and width, f the autoencoder's
// reduction.
#pragma once

#include <array>

#include "autoencoder/autoencoder_kl.h"
#include "decoder/unet_2d_condition.h"
#include "diffusion/denoise.h"
#include "diffusion/scheduled_sampler.h"
#include "load_net.h"
#include "pipeline/pipeline.h"

namespace unclip {

// What the net is told, the same at all steps. Under guidance twice the rows: first what it leads away from.
struct StableDiffusionConditions {
  torch::Tensor text;  // [B or 2B,L,D]
  torch::Tensor
      class_labels;     // of nets with a class embedding, as UNet2DConditionModel takes them; else undefined
  torch::Tensor scale;  // of guidance, float32 [B]; undefined: none
};

struct StableDiffusionDecoder {
  // Checks that its parts fit, then loads them. Throws Error(model).
  StableDiffusionDecoder(const ModelFolder& folder, const DeviceAndDtype& target);

  int64_t latent_channels() const { return vae.config().latent_channels; }
  // Whether the net has an input for a mask, without which it draws nothing.
  bool repaints() const { return in_channels > latent_channels(); }

  // Width and height of the latent.
  std::array<int64_t, 2> latent_size(const DrawSettings& settings) const;
  ImageSize image_size(const DrawSettings& settings) const;

  // Between images in −1…1 and what the net draws, float32 [B,4,h,w]. An encoded image is a draw from its
  // distribution, of which each request's noise makes one. Large images are worked on in tiles.
  torch::Tensor encode(const torch::Tensor& images, NoiseSource& noise);
  torch::Tensor encode_mean(const torch::Tensor& images);  // without a draw
  torch::Tensor decode(const torch::Tensor& latent);       // → [B,3,f·h,f·w], in the weights' dtype

  // The net under guidance. `beside` [B,5,h,w] stands beside the noisy latent where it is defined.
  Predict predict(const StableDiffusionConditions& told, torch::Tensor beside);

  DeviceAndDtype target;
  LoadedNet<UNet2DConditionModel> unet;
  LoadedNet<AutoencoderKL> vae;
  ScheduleConfig schedule;
  SamplerKind sampler{};
  int64_t in_channels = 0;
  std::array<int64_t, 2> sample_size{};  // height and width of the latent where no size is asked for

 private:
  LatentDistribution distribution(const torch::Tensor& images);  // float32
};

}  // namespace unclip
