// The sinusoid of the timestep and its two layers.
#include "nn/timestep_embedding.h"

namespace unclip {

torch::Tensor timestep_embedding(const torch::Tensor& timesteps, int64_t width, bool flip_sin_to_cos,
                                 double freq_shift) {
  const int64_t half = width / 2;
  // First times, then divided by, as in the reference: at t = 999 the rounding of these lines shows.
  const torch::Tensor exponents = torch::arange(half, timesteps.options().dtype(torch::kFloat32)) *
                                  -std::log(10000.0) / (static_cast<double>(half) - freq_shift);  // [C/2]
  const torch::Tensor angles = timesteps.to(torch::kFloat32).unsqueeze(1) * exponents.exp();      // [B,C/2]
  return flip_sin_to_cos ? at::cat({angles.cos(), angles.sin()}, 1)
                         : at::cat({angles.sin(), angles.cos()}, 1);  // [B,C]
}

TimestepEmbeddingImpl::TimestepEmbeddingImpl(int64_t in_width, int64_t width)
    : TimestepEmbeddingImpl(in_width, width, width) {}

TimestepEmbeddingImpl::TimestepEmbeddingImpl(int64_t in_width, int64_t width, int64_t out_width)
    : linear_1(in_width, width), linear_2(width, out_width) {
  register_module("linear_1", linear_1);
  register_module("linear_2", linear_2);
}

torch::Tensor TimestepEmbeddingImpl::forward(const torch::Tensor& x) {
  return linear_2(at::silu(linear_1(x)));
}

}  // namespace unclip
