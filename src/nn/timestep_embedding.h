// How every diffusion net is told the time: a sinusoid of the timestep (Vaswani et al. 2017,
// arXiv:1706.03762, section 3.5), then two linear layers.
//
// Symbols: B batch, C width of the sinusoid, T width of the time embedding.
#pragma once

#include "nn/layers.h"

namespace unclip {

// timesteps [B] → float32 [B,C], C even: frequencies 10000^(−i / (C/2 − freq_shift)); sines first, or cosines
// first where flip_sin_to_cos.
torch::Tensor timestep_embedding(const torch::Tensor& timesteps, int64_t width, bool flip_sin_to_cos,
                                 double freq_shift);

// linear_2(SiLU(linear_1(x))). Keys: linear_1, linear_2.
struct TimestepEmbeddingImpl : torch::nn::Module {
  TimestepEmbeddingImpl(int64_t in_width, int64_t width);
  TimestepEmbeddingImpl(int64_t in_width, int64_t width, int64_t out_width);
  torch::Tensor forward(const torch::Tensor& x);  // [B,in] → [B,out]

  Linear linear_1, linear_2;
};
TORCH_MODULE(TimestepEmbedding);

}  // namespace unclip
