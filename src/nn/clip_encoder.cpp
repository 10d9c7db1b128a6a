// CLIP's transformer: pre-norm layers of attention and a two-layer perceptron.
#include "nn/clip_encoder.h"

#include <torch/nn/modules/container/modulelist.h>

#include "nn/attention.h"

namespace unclip {

ClipEncoderConfig ClipEncoderConfig::from(const Config& config, ClipEncoderConfig c) {
  config.fill("hidden_size", c.hidden_size, kWidths);
  config.fill("intermediate_size", c.intermediate_size, kWidths);
  config.fill("num_hidden_layers", c.num_hidden_layers, kDepths);
  config.fill("num_attention_heads", c.num_attention_heads, kWidths);
  config.fill("layer_norm_eps", c.layer_norm_eps, kEpsilons);
  const auto act = config.get<std::string>("hidden_act", "quick_gelu");
  if (act != "quick_gelu" && act != "gelu") config.refuse("hidden_act", "quick_gelu or gelu");
  c.activation = act == "gelu" ? ClipActivation::gelu : ClipActivation::quick_gelu;
  if (c.hidden_size % c.num_attention_heads != 0)
    config.refuse("num_attention_heads", "a divisor of \"hidden_size\", " + std::to_string(c.hidden_size));
  return c;
}

ClipAttentionImpl::ClipAttentionImpl(const ClipEncoderConfig& c)
    : heads(c.num_attention_heads),
      q_proj(c.hidden_size, c.hidden_size),
      k_proj(c.hidden_size, c.hidden_size),
      v_proj(c.hidden_size, c.hidden_size),
      out_proj(c.hidden_size, c.hidden_size) {
  register_module("q_proj", q_proj);
  register_module("k_proj", k_proj);
  register_module("v_proj", v_proj);
  register_module("out_proj", out_proj);
}

torch::Tensor ClipAttentionImpl::forward(const torch::Tensor& x, const torch::Tensor& bias) {
  return out_proj(attend(q_proj(x), k_proj(x), v_proj(x), heads, bias));  // [B,L,D]
}

ClipMlpImpl::ClipMlpImpl(const ClipEncoderConfig& c)
    : activation(c.activation),
      fc1(c.hidden_size, c.intermediate_size),
      fc2(c.intermediate_size, c.hidden_size) {
  register_module("fc1", fc1);
  register_module("fc2", fc2);
}

torch::Tensor ClipMlpImpl::forward(const torch::Tensor& x) {
  const torch::Tensor h = fc1(x);
  return fc2(activation == ClipActivation::gelu ? at::gelu(h) : h * at::sigmoid(1.702 * h));
}

ClipEncoderLayerImpl::ClipEncoderLayerImpl(const ClipEncoderConfig& c)
    : layer_norm1(c.hidden_size, c.layer_norm_eps),
      layer_norm2(c.hidden_size, c.layer_norm_eps),
      self_attn(c),
      mlp(c) {
  register_module("layer_norm1", layer_norm1);
  register_module("layer_norm2", layer_norm2);
  register_module("self_attn", self_attn);
  register_module("mlp", mlp);
}

torch::Tensor ClipEncoderLayerImpl::forward(const torch::Tensor& x, const torch::Tensor& bias) {
  const torch::Tensor h = x + self_attn(layer_norm1(x), bias);
  return h + mlp(layer_norm2(h));
}

ClipEncoderImpl::ClipEncoderImpl(const ClipEncoderConfig& c) {
  auto list = register_module("layers", torch::nn::ModuleList());
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
    layers.emplace_back(c);
    list->push_back(layers.back());
  }
}

torch::Tensor ClipEncoderImpl::forward(torch::Tensor x, const torch::Tensor& bias) {
  for (ClipEncoderLayer& layer : layers) x = layer(x, bias);
  return x;
}

}  // namespace unclip
