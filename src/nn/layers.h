// The leaves of every net. Unlike torch::nn's, they do not fill their weights at random when they are made
// (20 s for a 3.5 B stack): they hold uninitialized, gradient-free tensors until a checkpoint or
// init_weights() fills them, and can be packed into the CPU library's own weight layout for inference.
//
// Symbols: B batch, C channels, H W height and width, L tokens, D width.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include "nn/once_tensor.h"

namespace unclip {

// y = x Wᵀ + b over the last dimension. Keys: weight [out, in], bias [out].
struct LinearImpl : torch::nn::Module {
  LinearImpl(int64_t in_features, int64_t out_features, bool with_bias = true);
  torch::Tensor forward(const torch::Tensor& x);  // [..., in] → [..., out]
  // As torch's own: uniform in ±1/√in, weight and bias.
  void reset_parameters();

  torch::Tensor weight, bias;
  bool packs = false;  // see nn/packing.h
  OnceTensor packed;
};
TORCH_MODULE(Linear);

// (x + residual) / scale; works in place on x, which must be the caller's own, where no gradient forbids it.
torch::Tensor add_residual(torch::Tensor x, const torch::Tensor& residual, double scale = 1.0);

// Keys: weight [out, in, k, k], bias [out].
struct Conv2dImpl : torch::nn::Module {
  Conv2dImpl(int64_t in_channels, int64_t out_channels, int64_t kernel, int64_t stride = 1,
             int64_t padding = 0, bool with_bias = true);
  // [B, in, H, W] → [B, out, H', W'], plus `residual`, of that shape, where it is defined
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& residual = {});

  // The convolution, 3×3 with stride and padding 1, of the image that nearest neighbor makes of x at twice
  // its size: [B, in, H, W] → [B, out, 2H, 2W]
  torch::Tensor forward_doubled(const torch::Tensor& x);
  void reset_parameters();

  int64_t stride, padding;
  torch::Tensor weight, bias;
  bool packs = false, packs_doubling = false, winograd = false;  // see nn/packing.h, nn/winograd.h
  OnceTensor packed, doubling;                                   // for forward(), for forward_doubled()
  bool both_ways = false;                                        // both are called: the plain weight stays
};
TORCH_MODULE(Conv2d);

// Keys: weight [D], bias [D]. Statistics over the last dimension.
struct LayerNormImpl : torch::nn::Module {
  explicit LayerNormImpl(int64_t width, double eps = 1e-5);
  torch::Tensor forward(const torch::Tensor& x);
  void reset_parameters();

  double eps;
  torch::Tensor weight, bias;
};
TORCH_MODULE(LayerNorm);

// Keys: weight [C], bias [C]. Statistics over C/groups channels and all positions.
struct GroupNormImpl : torch::nn::Module {
  GroupNormImpl(int64_t groups, int64_t channels, double eps = 1e-5);
  // x [B, C, ...] → the same, then · (1 + scale) + shift where these, [B, C, 1, ...], are defined, then SiLU
  // if asked
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& scale = {},
                        const torch::Tensor& shift = {}, bool silu = false);
  void reset_parameters();

  int64_t groups;
  double eps;
  torch::Tensor weight, bias;
};
TORCH_MODULE(GroupNorm);

// Key: weight [entries, D].
struct EmbeddingImpl : torch::nn::Module {
  EmbeddingImpl(int64_t entries, int64_t width);
  torch::Tensor forward(const torch::Tensor& ids);  // int64 [...] → [..., D]
  void reset_parameters();                          // normal, σ = 1, as torch's own

  torch::Tensor weight;
};
TORCH_MODULE(Embedding);

// Registers an uninitialized, gradient-free parameter under `name`; the way all nets declare bare tensors.
torch::Tensor empty_parameter(torch::nn::Module& owner, const std::string& name, at::IntArrayRef shape);

}  // namespace unclip
