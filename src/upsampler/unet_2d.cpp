// The upsampler's net and its settings.
#include "upsampler/unet_2d.h"

#include <algorithm>

namespace unclip {

namespace {

void read_classes(const Config& config, UNetConfig& c) {
  const auto type = config.find<std::string>("class_embed_type").value_or("");
  if (type == "timestep") {
    c.class_embedding = ClassEmbedding::timestep;
  } else if (type == "identity") {
    c.class_embedding = ClassEmbedding::identity;
  } else if (config.has("class_embed_type")) {
    config.refuse("class_embed_type", "null, timestep or identity");
  } else if (config.has("num_class_embeds")) {
    c.class_embedding = ClassEmbedding::table;
    c.num_class_embeds = config.require<int64_t>("num_class_embeds", kEntries);
  }
}

void read_middle(const Config& config, UNetConfig& c) {
  config.expect("mid_block_type", "UNetMidBlock2D");
  c.mid_layers = 1;
  if (config.get("add_attention", true)) c.mid_attention = BlockAttention::self;
  c.mid_attention_groups =
      config.find<int64_t>("attn_norm_num_groups", kWidths).value_or(c.scale_shift ? 0 : c.norm_num_groups);
  if (c.mid_attention_groups > 0 && c.block_out_channels.back() % c.mid_attention_groups != 0)
    config.refuse("attn_norm_num_groups", "a divisor of the last of \"block_out_channels\"");
  c.mid_block_scale_factor = config.get("mid_block_scale_factor", 1.0, kScales);
}

// The blocks whose resamplers the config can choose.
bool is_self_attending(const BlockKind& kind) { return kind.attention == BlockAttention::self; }

}  // namespace

UNet2DConfig UNet2DConfig::from(const Config& config) {
  config.expect("center_input_sample", false);
  config.expect("time_embedding_type", "positional");
  if (config.get<std::string>("act_fn", "silu") != "swish") config.expect("act_fn", "silu");
  UNet2DConfig c;
  c.in_channels = config.get<int64_t>("in_channels", 3, kWidths);
  c.out_channels = config.get<int64_t>("out_channels", 3, kWidths);
  c.down_blocks = down_block_kinds(
      config.get<std::vector<std::string>>(
          "down_block_types", {"DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"}),
      config.origin());
  c.up_blocks =
      up_block_kinds(config.get<std::vector<std::string>>(
                         "up_block_types", {"AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"}),
                     config.origin());
  c.block_out_channels =
      config.get<std::vector<int64_t>>("block_out_channels", {224, 448, 672, 896}, kWidths);
  const size_t levels = c.block_out_channels.size();
  c.layers_per_block.assign(levels, config.get<int64_t>("layers_per_block", 2, kDepths));
  // Null, unlike an absent key, means one head a block.
  const int64_t head_dim = config.contains("attention_head_dim") ? 0 : 8;
  c.attention_head_dim.assign(levels, config.find<int64_t>("attention_head_dim", kWidths).value_or(head_dim));
  c.cross_attention_dim.assign(levels, 0);
  c.only_cross_attention.assign(levels, false);
  c.norm_num_groups = config.get<int64_t>("norm_num_groups", 32, kWidths);
  c.norm_eps = config.get("norm_eps", 1e-5, kEpsilons);
  c.scale_shift = config.get<std::string>("resnet_time_scale_shift", "default") != "default";
  if (c.scale_shift) config.expect("resnet_time_scale_shift", "scale_shift");
  c.downsample_padding = config.get<int64_t>("downsample_padding", 1, {0, 1});
  c.flip_sin_to_cos = config.get("flip_sin_to_cos", true);
  c.freq_shift = config.get("freq_shift", 0.0, {0, 1});
  c.time_embedding_dim = config.find<int64_t>("time_embedding_dim", kWidths).value_or(0);
  if (std::ranges::any_of(c.down_blocks, is_self_attending)) config.expect("downsample_type", "conv");
  if (std::ranges::any_of(c.up_blocks, is_self_attending)) config.expect("upsample_type", "conv");
  read_classes(config, c);
  c.check(config.origin());
  read_middle(config, c);
  return c;
}

UNet2DModelImpl::UNet2DModelImpl(const UNet2DConfig& config) : UNetImpl(config) {}

torch::Tensor UNet2DModelImpl::forward(const torch::Tensor& sample, const torch::Tensor& timestep,
                                       const torch::Tensor& class_labels) {
  return denoise(sample, embed_time(timestep, sample, class_labels));  // [B,out,H,W]
}

}  // namespace unclip
