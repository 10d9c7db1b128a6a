// Group norm for training on the CPU: the kernel's forward pass, and a backward pass of our own. The
// library's takes a third of a UNet's training step there; the same mathematics as sums by products takes a
// seventh of it.
#pragma once

#include <torch/types.h>

namespace unclip {

// As at::group_norm, then · (1 + scale) + shift where these are defined, [B,C] with any dimensions of 1
// behind. x [B,C,...]; channels-last pictures stay so.
torch::Tensor group_norm_for_training(const torch::Tensor& x, int64_t groups, const torch::Tensor& weight,
                                      const torch::Tensor& bias, double eps, const torch::Tensor& scale = {},
                                      const torch::Tensor& shift = {});

}  // namespace unclip
