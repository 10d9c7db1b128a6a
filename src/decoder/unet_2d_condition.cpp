// The decoder's net and its settings.
#include "decoder/unet_2d_condition.h"

namespace unclip {

namespace {

bool is_list(const Config& config, const std::string& key) {
  return config.has(key) && config.values().at(key).is_array();
}

// A value for all levels or a list with one a level.
std::vector<int64_t> per_level(const Config& config, const std::string& key, int64_t fallback, size_t levels,
                               const Range& range) {
  if (is_list(config, key)) return config.require<std::vector<int64_t>>(key, range);
  return std::vector(levels, config.get(key, fallback, range));
}

void expect_supported(const Config& config) {
  for (const char* key :
       {"addition_time_embed_dim", "num_attention_heads", "time_embedding_act_fn", "timestep_post_act",
        "time_cond_proj_dim", "cross_attention_norm", "reverse_transformer_layers_per_block"})
    config.expect(key, nullptr);
  for (const char* key : {"center_input_sample", "class_embeddings_concat"}) config.expect(key, false);
  config.expect("attention_type", "default");
  config.expect("time_embedding_type", "positional");
  if (config.get<std::string>("act_fn", "silu") != "swish") config.expect("act_fn", "silu");
  config.expect("dual_cross_attention", false);
}

void read_class_embedding(const Config& config, UNetConfig& c) {
  const auto type = config.find<std::string>("class_embed_type").value_or("");
  if (type == "timestep") {
    c.class_embedding = ClassEmbedding::timestep;
  } else if (type == "identity") {
    c.class_embedding = ClassEmbedding::identity;
  } else if (type == "projection") {
    c.class_embedding = ClassEmbedding::projection;
    c.class_projection_dim = config.require<int64_t>("projection_class_embeddings_input_dim", kWidths);
  } else if (config.has("class_embed_type")) {
    config.refuse("class_embed_type", "null, timestep, identity or projection");
  } else if (config.has("num_class_embeds")) {
    c.class_embedding = ClassEmbedding::table;
    c.num_class_embeds = config.require<int64_t>("num_class_embeds", kEntries);
  }
}

void read_mid_block(const Config& config, UNetConfig& c) {
  const auto type = config.get<std::string>("mid_block_type", "UNetMidBlock2DCrossAttn");
  if (type == "UNetMidBlock2DSimpleCrossAttn") {
    c.mid_attention = BlockAttention::added_kv;
    c.mid_layers = 1;
  } else if (type == "UNetMidBlock2DCrossAttn") {
    config.expect("resnet_skip_time_act", false);
    c.check_transformers(c.block_out_channels.size() - 1, config.origin());
    c.mid_attention = BlockAttention::transformer;
    c.mid_layers = 1;
  } else if (type == "UNetMidBlock2D") {
    config.expect("resnet_skip_time_act", false);
  } else {
    config.refuse("mid_block_type",
                  "UNetMidBlock2DCrossAttn, UNetMidBlock2DSimpleCrossAttn or UNetMidBlock2D");
  }
  c.mid_only_cross_attention =
      config.find<bool>("mid_block_only_cross_attention")
          .value_or(!is_list(config, "only_cross_attention") && c.only_cross_attention.front());
  c.mid_block_scale_factor = config.get("mid_block_scale_factor", 1.0, kScales);
}

}  // namespace

UNet2DConditionConfig UNet2DConditionConfig::from(const Config& config) {
  expect_supported(config);
  UNet2DConditionConfig c;
  c.in_channels = config.get<int64_t>("in_channels", 4, kWidths);
  c.out_channels = config.get<int64_t>("out_channels", 4, kWidths);
  c.down_blocks = down_block_kinds(config.get<std::vector<std::string>>(
                                       "down_block_types", {"CrossAttnDownBlock2D", "CrossAttnDownBlock2D",
                                                            "CrossAttnDownBlock2D", "DownBlock2D"}),
                                   config.origin());
  c.up_blocks = up_block_kinds(
      config.get<std::vector<std::string>>(
          "up_block_types", {"UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"}),
      config.origin());
  c.block_out_channels =
      config.get<std::vector<int64_t>>("block_out_channels", {320, 640, 1280, 1280}, kWidths);
  const size_t levels = c.block_out_channels.size();
  c.layers_per_block = per_level(config, "layers_per_block", 2, levels, kDepths);
  c.attention_head_dim = per_level(config, "attention_head_dim", 8, levels, kWidths);
  c.cross_attention_dim = per_level(config, "cross_attention_dim", 1280, levels, kWidths);
  c.only_cross_attention = is_list(config, "only_cross_attention")
                               ? config.require<std::vector<bool>>("only_cross_attention")
                               : std::vector(levels, config.get("only_cross_attention", false));
  c.transformer_layers = per_level(config, "transformer_layers_per_block", 1, levels, kDepths);
  c.linear_projection = config.get("use_linear_projection", false);
  config.get("upcast_attention", false);  // scores are float32 anyway
  c.norm_num_groups = config.get<int64_t>("norm_num_groups", 32, kWidths);
  c.norm_eps = config.get("norm_eps", 1e-5, kEpsilons);
  c.scale_shift = config.get<std::string>("resnet_time_scale_shift", "default") != "default";
  if (c.scale_shift) config.expect("resnet_time_scale_shift", "scale_shift");
  c.skip_time_act = config.get("resnet_skip_time_act", false);
  c.resnet_out_scale_factor = config.get("resnet_out_scale_factor", 1.0, kScales);
  c.downsample_padding = config.get<int64_t>("downsample_padding", 1, {0, 1});
  c.conv_in_kernel = config.get<int64_t>("conv_in_kernel", 3, {1, 7});
  c.conv_out_kernel = config.get<int64_t>("conv_out_kernel", 3, {1, 7});
  c.flip_sin_to_cos = config.get("flip_sin_to_cos", true);
  c.freq_shift = config.get("freq_shift", 0.0, {0, 1});
  c.time_embedding_dim = config.find<int64_t>("time_embedding_dim", kWidths).value_or(0);
  read_class_embedding(config, c);
  c.check(config.origin());
  read_mid_block(config, c);
  c.conditioning = ImageConditioningConfig::from(config, c.cross_attention_dim.front());
  return c;
}

UNet2DConditionModelImpl::UNet2DConditionModelImpl(const UNet2DConditionConfig& config) : UNetImpl(config) {
  if (config.conditioning.kind == ImageConditioningConfig::Kind::none) return;
  encoder_hid_proj_ = register_module("encoder_hid_proj", ImageProjection(config.conditioning));
  add_embedding_ =
      register_module("add_embedding", ImageTimeEmbedding(config.conditioning, config.temb_channels()));
}

torch::Tensor UNet2DConditionModelImpl::forward(const torch::Tensor& sample, const torch::Tensor& timestep,
                                                const torch::Tensor& encoder_hidden_states,
                                                const torch::Tensor& class_labels,
                                                const torch::Tensor& attention_mask) {
  return predict(sample, timestep, read(encoder_hidden_states), class_labels, attention_mask);
}

torch::Tensor UNet2DConditionModelImpl::predict(const torch::Tensor& sample, const torch::Tensor& timestep,
                                                const ReadContext& context, const torch::Tensor& class_labels,
                                                const torch::Tensor& attention_mask) {
  const torch::Tensor temb = embed_time(timestep, sample, class_labels);  // [B,T]
  torch::Tensor bias;
  if (attention_mask.defined())
    bias = ((1 - attention_mask.to(sample.scalar_type())) * -10000.0).unsqueeze(1).unsqueeze(1);  // [B,1,1,L]
  return denoise(sample, temb, context, bias);  // [B,out,H,W]
}

ImageConditioning UNet2DConditionModelImpl::condition(const torch::Tensor& image, const torch::Tensor& text,
                                                      const torch::Tensor& text_sequence,
                                                      const torch::Tensor& hint) {
  return {read(encoder_hid_proj_(image, text_sequence)), add_embedding_(image, text),
          hint.defined() ? add_embedding_->encode_hint(hint) : torch::Tensor()};
}

torch::Tensor UNet2DConditionModelImpl::predict(const torch::Tensor& sample, const torch::Tensor& timestep,
                                                const ImageConditioning& c) {
  const torch::Tensor input = c.hint.defined() ? at::cat({sample, c.hint}, 1) : sample;  // [B,in,H,W]
  return denoise(input, embed_time(timestep, sample) + c.time, c.context);
}

}  // namespace unclip
