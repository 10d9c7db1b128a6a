// Kandinsky's autoencoder.
#include "autoencoder/vq_model.h"

#include <numeric>

namespace unclip {

VQConfig VQConfig::from(const Config& config) {
  VQConfig c;
  c.read(config);
  config.fill("latent_channels", c.latent_channels, kWidths);
  config.fill("num_vq_embeddings", c.num_vq_embeddings, kEntries);
  c.vq_embed_dim = config.find<int64_t>("vq_embed_dim", kWidths).value_or(c.latent_channels);
  c.spatial_norm = config.get<std::string>("norm_type", "group") == "spatial";
  if (!c.spatial_norm) config.expect("norm_type", "group");
  config.expect("lookup_from_codebook", false);
  c.check_groups(c.spatial_norm ? std::lcm(c.norm_num_groups, int64_t{32}) : c.norm_num_groups, config);
  return c;
}

VQModelImpl::VQModelImpl(const VQConfig& c) : config(c) {
  encoder_ = register_module("encoder", LevelEncoder(c, c.latent_channels));
  quant_conv_ = register_module("quant_conv", Conv2d(c.latent_channels, c.vq_embed_dim, 1));
  auto codebook = register_module("quantize", std::make_shared<torch::nn::Module>());
  codebook->register_module("embedding", Embedding(c.num_vq_embeddings, c.vq_embed_dim));
  post_quant_conv_ = register_module("post_quant_conv", Conv2d(c.vq_embed_dim, c.latent_channels, 1));
  decoder_ = register_module(
      "decoder", LevelDecoder(c, c.latent_channels,
                              VqBlockOptions{c.norm_num_groups, c.spatial_norm ? c.latent_channels : 0}));
}

torch::Tensor VQModelImpl::encode(const torch::Tensor& image) {
  return quant_conv_(encoder_(image));  // [B,Z,H/f,W/f]
}

torch::Tensor VQModelImpl::decode(const torch::Tensor& latent) {
  return decoder_(post_quant_conv_(latent), latent);  // [B,3,f·h,f·w]
}

}  // namespace unclip
