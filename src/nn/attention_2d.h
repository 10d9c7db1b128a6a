// Attention over the positions of an image, with a residual: to itself, and in unCLIP decoders also to a
// context sequence through key and value projections of its own (GLIDE, arXiv 2112.10741, section 4.1).
//
// Symbols: B batch, C channels, N = H·W positions, L context tokens, D context width, h heads, d width of a
// head.
#pragma once

#include "nn/attention.h"
#include "nn/layers.h"

namespace unclip {

struct Attention2DOptions {
  int64_t head_dim = 8;               // d; C/d heads
  int64_t context_dim = 0;            // D; 0: no context
  bool only_cross_attention = false;  // keys and values from the context alone
  int64_t groups = 32;                // of the norm; 0: no norm
  double eps = 1e-5;                  // of the norm
  double output_scale = 1.0;          // the sum with the residual is divided by it
};

struct Attention2DImpl : torch::nn::Module {
  Attention2DImpl(int64_t channels, const Attention2DOptions& options);

  bool reads_context() const { return options.context_dim > 0; }
  KeysAndValues read(const torch::Tensor& context);  // [B,L,D] → [B,L,C] each

  // x [B,C,H,W] → the same; channels-last input needs no copy on its way to [B,N,C] and back. `context` as
  // read; context_bias [B,1,1,L] is added to the scores (0 keep, −10000 ignore) or undefined.
  torch::Tensor forward(const torch::Tensor& x, const KeysAndValues& context = {},
                        const torch::Tensor& context_bias = {});

  Attention2DOptions options;
  int64_t heads;
  GroupNorm group_norm{nullptr};
  Linear to_q, to_k{nullptr}, to_v{nullptr}, add_k_proj{nullptr}, add_v_proj{nullptr};
  Linear to_out;  // key to_out.0
};
TORCH_MODULE(Attention2D);

}  // namespace unclip
