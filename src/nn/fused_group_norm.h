// Group norm on the CPU, forwards and backwards by kernels of our own (norm_act_kernels.h): scale, shift and
// SiLU are no passes of their own, and the library's gradient took a third of a UNet's training step.
#pragma once

#include <torch/types.h>

namespace unclip {

// As at::group_norm, then · (1 + scale) + shift where these are defined, [B,C] with any dimensions of 1
// behind, then SiLU if asked. x [B,C,...]; images come back channels-last. Sums are taken in the same order
// whatever the number of threads.
torch::Tensor fused_group_norm(const torch::Tensor& x, int64_t groups, const torch::Tensor& weight,
                               const torch::Tensor& bias, double eps, const torch::Tensor& scale = {},
                               const torch::Tensor& shift = {}, bool silu = false);

// The same on any other device: by a kernel of our own where there is one (nn/device_functions.h) and no
// gradient is wanted, else by torch's operations.
torch::Tensor group_norm_on_device(const torch::Tensor& x, int64_t groups, const torch::Tensor& weight,
                                   const torch::Tensor& bias, double eps, const torch::Tensor& scale = {},
                                   const torch::Tensor& shift = {}, bool silu = false);

}  // namespace unclip
