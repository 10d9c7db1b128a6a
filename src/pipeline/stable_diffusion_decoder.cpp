// UNet, autoencoder and schedule of Stable Diffusion.
#include "pipeline/stable_diffusion_decoder.h"

#include <torch/types.h>

#include "sample_size.h"
#include "stable_diffusion_fit.h"
#include "stage_run.h"

namespace unclip {
namespace {

// Above as many pixels an image is encoded and decoded in tiles.
constexpr int64_t kMostWholePixels = int64_t{1} << 21;

const ModelFolder& checked(const ModelFolder& folder) {
  check_stable_diffusion_decoder(folder);
  return folder;
}

}  // namespace

StableDiffusionDecoder::StableDiffusionDecoder(const ModelFolder& folder, const DeviceAndDtype& where)
    : target(where),
      unet(load_net<UNet2DConditionModel, UNet2DConditionConfig>(checked(folder), "unet", where)),
      vae(load_net<AutoencoderKL, AutoencoderKLConfig>(folder, "vae", where)) {
  const Config scheduler = folder.require("scheduler").config("scheduler_config.json");
  schedule = ScheduleConfig::from(scheduler);
  sampler = own_sampler(scheduler);
  const Config config = folder.require("unet").config();
  in_channels = UNet2DConditionConfig::from(config).in_channels;
  sample_size = read_sample_size(config);
}

std::array<int64_t, 2> StableDiffusionDecoder::latent_size(const DrawSettings& settings) const {
  const int64_t f = vae.config().reduction();
  const auto side = [f](int64_t pixels, int64_t usual) { return pixels == 0 ? usual : (pixels + f - 1) / f; };
  return {side(settings.width, sample_size[1]), side(settings.height, sample_size[0])};
}

ImageSize StableDiffusionDecoder::image_size(const DrawSettings& settings) const {
  const auto [width, height] = latent_size(settings);
  const int64_t f = vae.config().reduction();
  return {static_cast<int>(width * f), static_cast<int>(height * f)};
}

LatentDistribution StableDiffusionDecoder::distribution(const torch::Tensor& images) {
  const bool tiled = images.size(2) * images.size(3) > kMostWholePixels;
  const LatentDistribution made = vae->encode(
      images.to(target.device, target.dtype).contiguous(torch::MemoryFormat::ChannelsLast), tiled);
  return {made.mean.to(torch::kFloat32), made.logvar.to(torch::kFloat32)};
}

torch::Tensor StableDiffusionDecoder::encode_mean(const torch::Tensor& images) {
  return distribution(images).mean * vae.config().scaling_factor;  // [B,4,h,w]
}

torch::Tensor StableDiffusionDecoder::encode(const torch::Tensor& images, NoiseSource& noise) {
  const LatentDistribution wide = distribution(images);
  return wide.sample(noise.normal(wide.mean.sizes().slice(1))) * vae.config().scaling_factor;  // [B,4,h,w]
}

torch::Tensor StableDiffusionDecoder::decode(const torch::Tensor& latent) {
  const int64_t f = vae.config().reduction();
  const bool tiled = latent.size(2) * latent.size(3) * f * f > kMostWholePixels;
  return vae->decode(
      (latent / vae.config().scaling_factor).to(target.dtype).contiguous(torch::MemoryFormat::ChannelsLast),
      tiled);  // [B,3,f·h,f·w]
}

Predict StableDiffusionDecoder::predict(const StableDiffusionConditions& told, torch::Tensor beside) {
  const torch::Tensor scale = told.scale;
  if (scale.defined() && beside.defined()) beside = at::cat({beside, beside});  // [2B,5,h,w]
  Predict net = [this, text = unet->read(told.text), class_labels = told.class_labels,
                 beside = std::move(beside)](const torch::Tensor& x, float t) {
    const torch::Tensor input = beside.defined() ? at::cat({x, beside}, 1) : x;  // [B or 2B,in,h,w]
    return unet
        .predict_step(input.to(target.dtype).contiguous(torch::MemoryFormat::ChannelsLast),
                      timestep_tensor(t, target.device), text, class_labels)
        .to(torch::kFloat32);
  };
  return scale.defined() ? guided(std::move(net), scale) : net;
}

}  // namespace unclip
