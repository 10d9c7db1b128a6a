// The transformer that CLIP's text and vision towers share (Radford et al. 2021, arXiv:2103.00020,
// section 2.4).
//
// Symbols: B batch, L tokens or patches, D width.
#pragma once

#include "checkpoint/config.h"
#include "nn/layers.h"

namespace unclip {

enum class ClipActivation { quick_gelu, gelu };

struct ClipEncoderConfig {
  int64_t hidden_size = 512;  // D
  int64_t intermediate_size = 2048;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 8;
  double layer_norm_eps = 1e-5;
  ClipActivation activation = ClipActivation::quick_gelu;  // hidden_act

  // The keys that both towers have; the towers' own defaults differ, so `defaults` holds them.
  static ClipEncoderConfig from(const Config& config, ClipEncoderConfig defaults);
};

struct ClipAttentionImpl : torch::nn::Module {
  explicit ClipAttentionImpl(const ClipEncoderConfig& config);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& bias);

  int64_t heads;
  Linear q_proj, k_proj, v_proj, out_proj;
};
TORCH_MODULE(ClipAttention);

struct ClipMlpImpl : torch::nn::Module {
  explicit ClipMlpImpl(const ClipEncoderConfig& config);
  torch::Tensor forward(const torch::Tensor& x);

  ClipActivation activation;
  Linear fc1, fc2;
};
TORCH_MODULE(ClipMlp);

struct ClipEncoderLayerImpl : torch::nn::Module {
  explicit ClipEncoderLayerImpl(const ClipEncoderConfig& config);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& bias);

  LayerNorm layer_norm1, layer_norm2;
  ClipAttention self_attn;
  ClipMlp mlp;
};
TORCH_MODULE(ClipEncoderLayer);

struct ClipEncoderImpl : torch::nn::Module {
  explicit ClipEncoderImpl(const ClipEncoderConfig& config);
  // x [B,L,D]; bias added to the attention scores, or undefined → [B,L,D]
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& bias);

  std::vector<ClipEncoderLayer> layers;
};
TORCH_MODULE(ClipEncoder);

}  // namespace unclip
