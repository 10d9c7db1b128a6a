// Stable Diffusion's autoencoder.
#include "autoencoder/autoencoder_kl.h"

#include <algorithm>

#include "autoencoder/tiles.h"

namespace unclip {
namespace {

constexpr double kLeastLogvar = -30, kMostLogvar = 20;
constexpr int64_t kLeastTile = 8;  // positions of a latent: of less there is nothing to overlap

// A side of a tile, in positions of the latent.
int64_t tile_side(const AutoencoderKLConfig& config) {
  return std::max(kLeastTile, config.sample_size / config.reduction());
}

// A side of a tile's image; of a height and a width the first, as in the reference.
int64_t read_tile_size(const Config& config, int64_t usual) {
  constexpr Range kSides{1, 8192};
  if (!config.has("sample_size") || !config.values().at("sample_size").is_array())
    return config.find<int64_t>("sample_size", kSides).value_or(usual);
  const auto sides = config.require<std::vector<int64_t>>("sample_size", kSides);
  if (sides.empty()) config.refuse("sample_size", "one number, or height and width");
  return sides.front();
}

}  // namespace

AutoencoderKLConfig AutoencoderKLConfig::from(const Config& config) {
  AutoencoderKLConfig c;
  c.read(config);
  config.fill("latent_channels", c.latent_channels, kWidths);
  config.fill("scaling_factor", c.scaling_factor, kScales);
  c.sample_size = read_tile_size(config, c.sample_size);
  config.fill("use_quant_conv", c.quant_conv);
  config.fill("use_post_quant_conv", c.post_quant_conv);
  for (const char* key : {"shift_factor", "latents_mean", "latents_std"}) config.expect(key, nullptr);
  c.check_groups(c.norm_num_groups, config);
  return c;
}

torch::Tensor LatentDistribution::sample(const torch::Tensor& noise) const {
  return at::addcmul(mean, at::exp(0.5 * logvar), noise);
}

AutoencoderKLImpl::AutoencoderKLImpl(const AutoencoderKLConfig& c) : config(c) {
  const int64_t latent = c.latent_channels;
  encoder_ = register_module("encoder", LevelEncoder(c, 2 * latent));
  decoder_ = register_module("decoder", LevelDecoder(c, latent, VqBlockOptions{c.norm_num_groups, 0}));
  if (c.quant_conv) quant_conv_ = register_module("quant_conv", Conv2d(2 * latent, 2 * latent, 1));
  if (c.post_quant_conv) post_quant_conv_ = register_module("post_quant_conv", Conv2d(latent, latent, 1));
}

torch::Tensor AutoencoderKLImpl::moments(const torch::Tensor& image) {
  const torch::Tensor both = encoder_(image);  // [B,2Z,H/f,W/f]
  return quant_conv_ ? quant_conv_(both) : both;
}

torch::Tensor AutoencoderKLImpl::decode_whole(const torch::Tensor& latent) {
  return decoder_(post_quant_conv_ ? post_quant_conv_(latent) : latent);  // [B,3,f·h,f·w]
}

LatentDistribution AutoencoderKLImpl::encode(const torch::Tensor& image, bool tiled) {
  const int64_t tile = tile_side(config), side = tile * config.reduction();
  const auto whole = [this](const torch::Tensor& part) { return moments(part); };
  const torch::Tensor both =
      tiled && exceeds(image, side) ? in_tiles(image, side, tile, whole) : whole(image);
  const auto halves = both.chunk(2, 1);  // [B,Z,H/f,W/f] each
  return {halves[0], halves[1].clamp(kLeastLogvar, kMostLogvar)};
}

torch::Tensor AutoencoderKLImpl::decode(const torch::Tensor& latent, bool tiled) {
  const int64_t tile = tile_side(config), side = tile * config.reduction();
  const auto whole = [this](const torch::Tensor& part) { return decode_whole(part); };
  return tiled && exceeds(latent, tile) ? in_tiles(latent, tile, side, whole) : whole(latent);
}

}  // namespace unclip
