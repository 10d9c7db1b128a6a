// Kandinsky's autoencoder.
#include "autoencoder/vq_model.h"

#include <numeric>

namespace unclip {
namespace {

// Which levels have attention; throws Error(model) for block types that are not built.
std::vector<bool> read_levels(const Config& config, const char* key, const std::string& plain,
                              const std::string& attention, size_t levels) {
  const auto types = config.get<std::vector<std::string>>(key, {plain});
  if (types.size() != levels)
    throw Error(ExitCode::model, config.origin() + ": \"" + key + "\" has " + std::to_string(types.size()) +
                                     " entries, expected one for each of the " + std::to_string(levels) +
                                     " levels of \"block_out_channels\"");
  std::vector<bool> result;
  for (const std::string& type : types) {
    if (type != plain && type != attention)
      throw Error(ExitCode::model, config.origin() + ": block type \"" + type +
                                       "\" is not supported, expected " + plain + " or " + attention);
    result.push_back(type == attention);
  }
  return result;
}

}  // namespace

VQConfig VQConfig::from(const Config& config) {
  VQConfig c;
  config.fill("in_channels", c.in_channels, {3, 3});
  config.fill("out_channels", c.out_channels, {3, 3});
  config.fill("block_out_channels", c.block_out_channels, kWidths);
  if (c.block_out_channels.empty() || c.block_out_channels.size() > kMostLevels)
    config.refuse("block_out_channels", "1 to 10 levels");
  const size_t levels = c.block_out_channels.size();
  c.down_attention =
      read_levels(config, "down_block_types", "DownEncoderBlock2D", "AttnDownEncoderBlock2D", levels);
  c.up_attention = read_levels(config, "up_block_types", "UpDecoderBlock2D", "AttnUpDecoderBlock2D", levels);
  config.fill("layers_per_block", c.layers_per_block, kDepths);
  config.fill("latent_channels", c.latent_channels, kWidths);
  config.fill("num_vq_embeddings", c.num_vq_embeddings, kEntries);
  c.vq_embed_dim = config.find<int64_t>("vq_embed_dim", kWidths).value_or(c.latent_channels);
  config.fill("norm_num_groups", c.norm_num_groups, kWidths);
  c.spatial_norm = config.get<std::string>("norm_type", "group") == "spatial";
  if (!c.spatial_norm) config.expect("norm_type", "group");
  config.fill("mid_block_add_attention", c.mid_attention);
  config.expect("lookup_from_codebook", false);
  if (config.get<std::string>("act_fn", "silu") != "swish") config.expect("act_fn", "silu");
  const int64_t groups = c.spatial_norm ? std::lcm(c.norm_num_groups, int64_t{32}) : c.norm_num_groups;
  for (const int64_t channels : c.block_out_channels)
    if (channels % groups != 0)
      throw Error(ExitCode::model, config.origin() + ": \"block_out_channels\" holds " +
                                       std::to_string(channels) + ", expected multiples of " +
                                       std::to_string(groups) + ", the groups of the norms");
  return c;
}

VQModelImpl::VQModelImpl(const VQConfig& c) : config(c) {
  build_encoder();
  quant_conv_ = register_module("quant_conv", Conv2d(c.latent_channels, c.vq_embed_dim, 1));
  auto codebook = register_module("quantize", std::make_shared<torch::nn::Module>());
  codebook->register_module("embedding", Embedding(c.num_vq_embeddings, c.vq_embed_dim));
  post_quant_conv_ = register_module("post_quant_conv", Conv2d(c.vq_embed_dim, c.latent_channels, 1));
  build_decoder();
}

void VQModelImpl::build_encoder() {
  const VqBlockOptions options{config.norm_num_groups, 0};
  const auto& channels = config.block_out_channels;
  auto module = register_module("encoder", std::make_shared<torch::nn::Module>());
  encoder_.conv_in =
      module->register_module("conv_in", Conv2d(config.in_channels, channels.front(), 3, 1, 1));
  auto list = module->register_module("down_blocks", torch::nn::ModuleList());
  for (size_t i = 0; i < channels.size(); ++i) {
    const auto resampler = i + 1 < channels.size() ? VqResampler::down : VqResampler::none;
    list->push_back(encoder_.blocks.emplace_back(channels[i == 0 ? 0 : i - 1], channels[i],
                                                 config.layers_per_block, config.down_attention[i], resampler,
                                                 options));
  }
  encoder_.mid_block =
      module->register_module("mid_block", VqMidBlock(channels.back(), config.mid_attention, options));
  encoder_.conv_norm_out.emplace(*module, "conv_norm_out", channels.back(), options);
  encoder_.conv_out =
      module->register_module("conv_out", Conv2d(channels.back(), config.latent_channels, 3, 1, 1));
}

void VQModelImpl::build_decoder() {
  const VqBlockOptions options{config.norm_num_groups, config.spatial_norm ? config.latent_channels : 0};
  const std::vector<int64_t> channels(config.block_out_channels.rbegin(), config.block_out_channels.rend());
  auto module = register_module("decoder", std::make_shared<torch::nn::Module>());
  decoder_.conv_in =
      module->register_module("conv_in", Conv2d(config.latent_channels, channels.front(), 3, 1, 1));
  auto list = module->register_module("up_blocks", torch::nn::ModuleList());
  decoder_.mid_block =
      module->register_module("mid_block", VqMidBlock(channels.front(), config.mid_attention, options));
  for (size_t i = 0; i < channels.size(); ++i) {
    const auto resampler = i + 1 < channels.size() ? VqResampler::up : VqResampler::none;
    list->push_back(decoder_.blocks.emplace_back(channels[i == 0 ? 0 : i - 1], channels[i],
                                                 config.layers_per_block + 1, config.up_attention[i],
                                                 resampler, options));
  }
  decoder_.conv_norm_out.emplace(*module, "conv_norm_out", channels.back(), options);
  decoder_.conv_out =
      module->register_module("conv_out", Conv2d(channels.back(), config.out_channels, 3, 1, 1));
}

torch::Tensor VQModelImpl::encode(const torch::Tensor& image) {
  torch::Tensor x = encoder_.conv_in(image);                             // [B,C,H,W]
  for (VqBlock& block : encoder_.blocks) x = block(x, torch::Tensor());  // [B,C',H/f,W/f]
  x = (*encoder_.conv_norm_out)(encoder_.mid_block(x, torch::Tensor()), {});
  return quant_conv_(encoder_.conv_out(at::silu_(x)));  // [B,Z,H/f,W/f]
}

torch::Tensor VQModelImpl::decode(const torch::Tensor& latent) {
  torch::Tensor x = decoder_.mid_block(decoder_.conv_in(post_quant_conv_(latent)), latent);  // [B,C',h,w]
  for (VqBlock& block : decoder_.blocks) x = block(x, latent);  // [B,C,f·h,f·w]
  x = (*decoder_.conv_norm_out)(x, latent);
  return decoder_.conv_out(at::silu_(x));  // [B,3,f·h,f·w]
}

}  // namespace unclip
