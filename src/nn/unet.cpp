// The trunk that decoder and upsampler share.
#include "nn/unet.h"

#include <torch/nn/modules/container/modulelist.h>

#include "checkpoint/config.h"

namespace unclip {

namespace {

ResnetOptions resnet_options(const UNetConfig& config, double output_scale) {
  return {.temb_channels = config.temb_channels(),
          .groups = config.norm_num_groups,
          .eps = config.norm_eps,
          .scale_shift = config.scale_shift,
          .output_scale = output_scale};
}

// What the blocks of `level` share in both directions.
BlockOptions block_options(const UNetConfig& config, BlockKind kind, size_t level, int64_t head_dim) {
  const bool plain = kind.resampler == BlockResampler::conv;
  BlockOptions o;
  o.kind = kind;
  o.out_channels = config.block_out_channels[level];
  o.downsample_padding = config.downsample_padding;
  o.resnet = resnet_options(config, plain ? 1.0 : config.resnet_out_scale_factor);
  o.attention.head_dim = head_dim ? head_dim : o.out_channels;
  o.attention.groups = config.norm_num_groups;
  if (kind.attention == BlockAttention::transformer)
    o.transformer = {.heads = config.attention_head_dim[level],
                     .layers = config.transformer_layers[level],
                     .context_dim = config.cross_attention_dim[level],
                     .groups = config.norm_num_groups,
                     .linear_projection = config.linear_projection,
                     .only_cross_attention = config.only_cross_attention[level]};
  if (kind.attention == BlockAttention::added_kv) {
    o.attention.context_dim = config.cross_attention_dim[level];
    o.attention.only_cross_attention = config.only_cross_attention[level];
  } else {
    o.attention.eps = config.norm_eps;
  }
  return o;
}

DownBlock2D make_down_block(const UNetConfig& config, size_t level) {
  BlockOptions o = block_options(config, config.down_blocks[level], level, config.attention_head_dim[level]);
  o.in_channels = config.block_out_channels[level == 0 ? 0 : level - 1];
  o.layers = config.layers_per_block[level];
  o.resample = level + 1 < config.block_out_channels.size();
  return DownBlock2D(o);
}

// `i` counts from the coarsest level. As in the reference, the head width is the one thing not turned around.
UpBlock2D make_up_block(const UNetConfig& config, size_t i) {
  const size_t coarsest = config.block_out_channels.size() - 1, level = coarsest - i;
  BlockOptions o = block_options(config, config.up_blocks[i], level, config.attention_head_dim[i]);
  o.in_channels = config.block_out_channels[level == 0 ? 0 : level - 1];
  o.previous_channels = config.block_out_channels[level == coarsest ? coarsest : level + 1];
  o.layers = config.layers_per_block[level] + 1;
  o.resample = level > 0;
  return UpBlock2D(o);
}

MidBlock2D make_mid_block(const UNetConfig& config) {
  const size_t coarsest = config.block_out_channels.size() - 1;
  BlockOptions o = block_options(config, {config.mid_attention, BlockResampler::resnet}, coarsest,
                                 config.attention_head_dim[coarsest]);
  o.in_channels = o.out_channels;
  o.layers = config.mid_layers;
  o.resnet.output_scale = config.mid_block_scale_factor;
  if (config.mid_attention == BlockAttention::self) {
    o.attention.groups = config.mid_attention_groups;
    o.attention.output_scale = config.mid_block_scale_factor;
  }
  o.attention.only_cross_attention = config.mid_only_cross_attention;
  o.transformer.only_cross_attention = false;  // as in the reference, whatever the config says
  return MidBlock2D(o);
}

}  // namespace

void UNetConfig::check(const std::string& origin) const {
  const size_t levels = block_out_channels.size();
  if (levels == 0 || levels > kMostLevels)
    throw Error(ExitCode::model, origin + ": \"block_out_channels\" has " + std::to_string(levels) +
                                     " entries, expected 1 to " + std::to_string(kMostLevels));
  const auto expect_levels = [&](const char* key, size_t size) {
    if (size != levels)
      throw Error(ExitCode::model, origin + ": \"" + key + "\" has " + std::to_string(size) +
                                       " entries, expected one for each of the " + std::to_string(levels) +
                                       " levels of \"block_out_channels\"");
  };
  expect_levels("down_block_types", down_blocks.size());
  expect_levels("up_block_types", up_blocks.size());
  expect_levels("layers_per_block", layers_per_block.size());
  expect_levels("attention_head_dim", attention_head_dim.size());
  expect_levels("cross_attention_dim", cross_attention_dim.size());
  expect_levels("only_cross_attention", only_cross_attention.size());
  for (const int64_t channels : block_out_channels)
    if (channels % norm_num_groups != 0)
      throw Error(ExitCode::model, origin + ": \"norm_num_groups\" is " + std::to_string(norm_num_groups) +
                                       ", expected a divisor of all \"block_out_channels\", which hold " +
                                       std::to_string(channels));
  for (size_t i = 0; i < levels; ++i)
    for (const BlockKind& kind : {down_blocks[i], up_blocks[levels - 1 - i]})
      if (kind.attention == BlockAttention::transformer) check_transformers(i, origin);
  // Sine and cosine of half as many frequencies each, whose exponents are divided by this half − freq_shift.
  const int64_t finest = block_out_channels.front();
  if (finest % 2 != 0 || static_cast<double>(finest) / 2 <= freq_shift)
    throw Error(ExitCode::model, origin + ": \"block_out_channels\" starts with " + std::to_string(finest) +
                                     ", expected an even number above twice \"freq_shift\"");
  for (size_t i = 0; skip_time_act && i < levels; ++i)
    if (down_blocks[i].resampler == BlockResampler::conv || up_blocks[i].resampler == BlockResampler::conv)
      throw Error(ExitCode::model,
                  origin +
                      ": \"resnet_skip_time_act\" is true, which is supported only where all "
                      "down and up blocks are Resnet or SimpleCrossAttn blocks");
}

void UNetConfig::check_transformers(size_t level, const std::string& origin) const {
  if (transformer_layers.size() != block_out_channels.size())
    throw Error(ExitCode::model, origin + (transformer_layers.empty()
                                               ? ": CrossAttn blocks are not supported in this class of net"
                                               : ": \"transformer_layers_per_block\" has " +
                                                     std::to_string(transformer_layers.size()) +
                                                     " entries, expected one for each level"));
  const int64_t heads = attention_head_dim[level], channels = block_out_channels[level];
  if (channels % heads != 0)
    throw Error(ExitCode::model, origin + ": \"attention_head_dim\" asks for " + std::to_string(heads) +
                                     " heads, expected a divisor of the " + std::to_string(channels) +
                                     " channels of their level");
}

UNetImpl::UNetImpl(const UNetConfig& config)
    : config_(config),
      conv_in_(config.in_channels, config.block_out_channels[0], config.conv_in_kernel, 1,
               (config.conv_in_kernel - 1) / 2),
      time_embedding_(config.block_out_channels[0], config.temb_channels()),
      conv_norm_out_(config.norm_num_groups, config.block_out_channels[0], config.norm_eps),
      conv_out_(config.block_out_channels[0], config.out_channels, config.conv_out_kernel, 1,
                (config.conv_out_kernel - 1) / 2) {
  register_module("conv_in", conv_in_);
  register_module("time_embedding", time_embedding_);
  if (config.class_embedding == ClassEmbedding::table)
    class_table_ =
        register_module("class_embedding", Embedding(config.num_class_embeds, config.temb_channels()));
  if (config.class_embedding == ClassEmbedding::timestep)
    class_embedding_ = TimestepEmbedding(config.block_out_channels[0], config.temb_channels());
  if (config.class_embedding == ClassEmbedding::projection)
    class_embedding_ = TimestepEmbedding(config.class_projection_dim, config.temb_channels());
  if (class_embedding_) register_module("class_embedding", class_embedding_);

  auto down_list = register_module("down_blocks", torch::nn::ModuleList());
  auto up_list = register_module("up_blocks", torch::nn::ModuleList());
  for (size_t i = 0; i < config.block_out_channels.size(); ++i) {
    down_list->push_back(down_blocks_.emplace_back(make_down_block(config, i)));
    up_list->push_back(up_blocks_.emplace_back(make_up_block(config, i)));
  }
  mid_block_ = register_module("mid_block", make_mid_block(config));
  register_module("conv_norm_out", conv_norm_out_);
  register_module("conv_out", conv_out_);
}

torch::Tensor UNetImpl::embed_time(const torch::Tensor& timestep, const torch::Tensor& sample,
                                   const torch::Tensor& class_labels) {
  TORCH_CHECK(class_labels.defined() == (config_.class_embedding != ClassEmbedding::none),
              "class labels must be given to nets with a class embedding, and to those only");
  const auto sinusoid = [&](const torch::Tensor& t) {
    return timestep_embedding(t.expand({sample.size(0)}), config_.block_out_channels[0],
                              config_.flip_sin_to_cos, config_.freq_shift)
        .to(sample.scalar_type());  // [B,C]
  };
  const torch::Tensor temb = time_embedding_(sinusoid(timestep));  // [B,T]
  switch (config_.class_embedding) {
    case ClassEmbedding::table:
      return temb + class_table_(class_labels);
    case ClassEmbedding::timestep:
      return temb + class_embedding_(sinusoid(class_labels));
    case ClassEmbedding::identity:
      return temb + class_labels;
    case ClassEmbedding::projection:
      return temb + class_embedding_(class_labels);
    case ClassEmbedding::none:
      break;
  }
  return temb;
}

ReadContext UNetImpl::read(const torch::Tensor& context) {
  ReadContext read;
  for (DownBlock2D& block : down_blocks_) block->attentions->read(context, read);
  mid_block_->attentions->read(context, read);
  for (UpBlock2D& block : up_blocks_) block->attentions->read(context, read);
  return read;
}

torch::Tensor UNetImpl::denoise(const torch::Tensor& sample, const torch::Tensor& temb,
                                const ReadContext& context, const torch::Tensor& context_bias) {
  // The reference repeats this SiLU in every residual block.
  BlockInputs inputs{config_.skip_time_act ? temb : at::silu(temb), ContextReader(context), context_bias};
  torch::Tensor x = conv_in_(sample);  // [B,C,H,W]
  std::vector<torch::Tensor> skips = {x};
  for (DownBlock2D& block : down_blocks_) x = block(x, inputs, skips);
  x = mid_block_(x, inputs);
  for (UpBlock2D& block : up_blocks_) x = block(x, inputs, skips);
  return conv_out_(norm_act(conv_norm_out_, x));  // [B,out,H,W]
}

}  // namespace unclip
