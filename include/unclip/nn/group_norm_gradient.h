// Group norm for training on the CPU, forwards and backwards by kernels of our own (norm_act_kernels.h). The
// library's gradient takes a third of a UNet's training step there, and scale, shift and SiLU are passes of
// their own.
#pragma once

#include <torch/types.h>

namespace unclip {

// As at::group_norm, then · (1 + scale) + shift where these are defined, [B,C] with any dimensions of 1
// behind, then SiLU if asked. x [B,C,...]; channels-last pictures stay so.
torch::Tensor group_norm_for_training(const torch::Tensor& x, int64_t groups, const torch::Tensor& weight,
                                      const torch::Tensor& bias, double eps, const torch::Tensor& scale = {},
                                      const torch::Tensor& shift = {}, bool silu = false);

}  // namespace unclip
