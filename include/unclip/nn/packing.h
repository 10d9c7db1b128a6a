// Weights in oneDNN's own blocked layout, for inference on the CPU.
//
// An eager convolution or product lays its weight out anew at every call. Done once, a product with few rows
// (the prior's 2 × 81 tokens) runs up to twice as fast; the plain copy is given up, so memory stays the same.
#pragma once

#include <torch/torch.h>

#include <functional>

namespace unclip {

// Packs every Linear and Conv2d below `module`, calling `layer_done` after each. The module is for inference
// on the CPU from then on.
void pack_weights(
    torch::nn::Module& module, const std::function<void()>& layer_done = [] {});

// The operations on packed weights, as at::linear and at::conv2d.
torch::Tensor packed_linear(const torch::Tensor& x, const torch::Tensor& packed, const torch::Tensor& bias);
torch::Tensor packed_conv2d(const torch::Tensor& x, const torch::Tensor& packed, const torch::Tensor& bias,
                            int64_t stride, int64_t padding);

}  // namespace unclip
