// Transformer over the positions of an image, with a residual around it: each layer attends to the image,
// then to a context sequence, then passes a gated perceptron. Rombach et al. 2022 (arXiv:2112.10752),
// section 3.3 and appendix E.2.1. The reference's Transformer2DModel and BasicTransformerBlock.
//
// Symbols: B batch, C channels, N = H·W positions, L context tokens, D context width.
#pragma once

#include <vector>

#include "nn/attention.h"
#include "nn/layers.h"

namespace unclip {

struct Transformer2DOptions {
  int64_t heads = 8;  // a divisor of C
  int64_t layers = 1;
  int64_t context_dim = 0;            // D
  int64_t groups = 32;                // of the norm before the layers; a divisor of C
  bool linear_projection = false;     // around the layers; else 1×1 convolutions
  bool only_cross_attention = false;  // the first attention of a layer sees the context, too
};

struct TransformerAttentionImpl : torch::nn::Module {
  TransformerAttentionImpl(int64_t channels, int64_t context_dim, int64_t heads);
  KeysAndValues read(const torch::Tensor& seen);  // [B,N,C] or [B,L,D] → [B,·,C] each
  // x [B,N,C]; bias, broadcast to [B,heads,N,L], is added to the scores where defined → [B,N,C]
  torch::Tensor forward(const torch::Tensor& x, const KeysAndValues& seen, const torch::Tensor& bias = {});

  int64_t heads;
  Linear to_q, to_k, to_v;  // without biases
  Linear to_out;            // key to_out.0
};
TORCH_MODULE(TransformerAttention);

// Linear, times the GELU of a second one, linear (Shazeer 2020, arXiv:2002.05202, "GEGLU"). Keys net.0.proj,
// which makes both halves, and net.2.
struct GatedFeedForwardImpl : torch::nn::Module {
  explicit GatedFeedForwardImpl(int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);  // [B,N,C] → the same

  Linear widen, narrow;
};
TORCH_MODULE(GatedFeedForward);

struct BasicTransformerBlockImpl : torch::nn::Module {
  BasicTransformerBlockImpl(int64_t channels, const Transformer2DOptions& options);
  void read(const torch::Tensor& context, ReadContext& read);
  // x [B,N,C]; context and its bias as below → [B,N,C]
  torch::Tensor forward(torch::Tensor x, ContextReader& context, const torch::Tensor& context_bias);

  bool only_cross_attention;
  LayerNorm norm1, norm2, norm3;
  TransformerAttention attn1, attn2;
  GatedFeedForward ff;
};
TORCH_MODULE(BasicTransformerBlock);

struct Transformer2DModelImpl : torch::nn::Module {
  Transformer2DModelImpl(int64_t channels, const Transformer2DOptions& options);

  void read(const torch::Tensor& context, ReadContext& read);  // [B,L,D]
  // x [B,C,H,W] → the same; channels-last input needs no copy on its way to [B,N,C] and back. `context` as
  // read; context_bias [B,1,1,L] is added to its scores (0 keep, −10000 ignore) or undefined.
  torch::Tensor forward(const torch::Tensor& x, ContextReader& context,
                        const torch::Tensor& context_bias = {});

  GroupNorm norm;
  Conv2d conv_in{nullptr}, conv_out{nullptr};      // keys proj_in, proj_out
  Linear linear_in{nullptr}, linear_out{nullptr};  // the same, in nets with linear_projection
  std::vector<BasicTransformerBlock> transformer_blocks;
};
TORCH_MODULE(Transformer2DModel);

}  // namespace unclip
