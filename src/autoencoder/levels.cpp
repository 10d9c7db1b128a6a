// Encoder and decoder of the autoencoders.
#include "autoencoder/levels.h"

#include <torch/nn/modules/container/modulelist.h>

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

void AutoencoderLevels::read(const Config& config) {
  config.fill("in_channels", in_channels, {3, 3});
  config.fill("out_channels", out_channels, {3, 3});
  config.fill("block_out_channels", block_out_channels, kWidths);
  if (block_out_channels.empty() || block_out_channels.size() > kMostLevels)
    config.refuse("block_out_channels", "1 to 10 levels");
  const size_t levels = block_out_channels.size();
  down_attention =
      read_levels(config, "down_block_types", "DownEncoderBlock2D", "AttnDownEncoderBlock2D", levels);
  up_attention = read_levels(config, "up_block_types", "UpDecoderBlock2D", "AttnUpDecoderBlock2D", levels);
  config.fill("layers_per_block", layers_per_block, kDepths);
  config.fill("norm_num_groups", norm_num_groups, kWidths);
  config.fill("mid_block_add_attention", mid_attention);
  if (config.get<std::string>("act_fn", "silu") != "swish") config.expect("act_fn", "silu");
}

void AutoencoderLevels::check_groups(int64_t groups, const Config& config) const {
  for (const int64_t channels : block_out_channels)
    if (channels % groups != 0)
      throw Error(ExitCode::model, config.origin() + ": \"block_out_channels\" holds " +
                                       std::to_string(channels) + ", expected multiples of " +
                                       std::to_string(groups) + ", the groups of the norms");
}

LevelEncoderImpl::LevelEncoderImpl(const AutoencoderLevels& levels, int64_t out_channels)
    : conv_in(levels.in_channels, levels.block_out_channels.front(), 3, 1, 1),
      conv_out(levels.block_out_channels.back(), out_channels, 3, 1, 1) {
  const VqBlockOptions options{levels.norm_num_groups, 0};
  const auto& channels = levels.block_out_channels;
  register_module("conv_in", conv_in);
  auto list = register_module("down_blocks", torch::nn::ModuleList());
  for (size_t i = 0; i < channels.size(); ++i) {
    const auto resampler = i + 1 < channels.size() ? VqResampler::down : VqResampler::none;
    list->push_back(down_blocks.emplace_back(channels[i == 0 ? 0 : i - 1], channels[i],
                                             levels.layers_per_block, levels.down_attention[i], resampler,
                                             options));
  }
  mid_block = register_module("mid_block", VqMidBlock(channels.back(), levels.mid_attention, options));
  conv_norm_out.emplace(*this, "conv_norm_out", channels.back(), options);
  register_module("conv_out", conv_out);
}

torch::Tensor LevelEncoderImpl::forward(const torch::Tensor& image) {
  torch::Tensor x = conv_in(image);                                  // [B,C,H,W]
  for (VqBlock& block : down_blocks) x = block(x, torch::Tensor());  // [B,C',H/f,W/f]
  x = mid_block(x, torch::Tensor());
  return conv_out(conv_norm_out->activated(x, {}));  // [B,out,H/f,W/f]
}

LevelDecoderImpl::LevelDecoderImpl(const AutoencoderLevels& levels, int64_t latent_channels,
                                   const VqBlockOptions& options)
    : conv_in(latent_channels, levels.block_out_channels.back(), 3, 1, 1),
      conv_out(levels.block_out_channels.front(), levels.out_channels, 3, 1, 1) {
  const std::vector<int64_t> channels(levels.block_out_channels.rbegin(), levels.block_out_channels.rend());
  register_module("conv_in", conv_in);
  auto list = register_module("up_blocks", torch::nn::ModuleList());
  mid_block = register_module("mid_block", VqMidBlock(channels.front(), levels.mid_attention, options));
  for (size_t i = 0; i < channels.size(); ++i) {
    const auto resampler = i + 1 < channels.size() ? VqResampler::up : VqResampler::none;
    list->push_back(up_blocks.emplace_back(channels[i == 0 ? 0 : i - 1], channels[i],
                                           levels.layers_per_block + 1, levels.up_attention[i], resampler,
                                           options));
  }
  conv_norm_out.emplace(*this, "conv_norm_out", channels.back(), options);
  register_module("conv_out", conv_out);
}

torch::Tensor LevelDecoderImpl::forward(torch::Tensor x, const torch::Tensor& latent) {
  x = mid_block(conv_in(x), latent);                      // [B,C',h,w]
  for (VqBlock& block : up_blocks) x = block(x, latent);  // [B,C,f·h,f·w]
  return conv_out(conv_norm_out->activated(x, latent));   // [B,3,f·h,f·w]
}

}  // namespace unclip
