// Weights in oneDNN's own blocked layout, or in that of Winograd's convolution (nn/winograd.h), for inference
// on the CPU.
//
// An eager convolution or product lays its weight out anew at every call. Done once, it runs up to twice as
// fast. The best layout depends on the input's size, so a layer is packed at its first call; its plain weight
// is then given up, and with it the pages of the file that it stood on.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include "nn/layers.h"

namespace unclip {

// Lets every Linear and Conv2d below `module` pack itself at its first call, where oneDNN computes in its
// dtype on this CPU: bfloat16 wants AVX-512, float16 more than that. The module is for inference on the CPU
// from then on.
void pack_weights(torch::nn::Module& module);

// Gives up the memory of all weights below `module`, packed ones too, until load_weights() fills it again;
// names and shapes stay visible.
void give_up_weights(torch::nn::Module& module);

// The operations of layers that pack: as at::linear and at::conv2d.
torch::Tensor packed_linear(LinearImpl& layer, const torch::Tensor& x);
torch::Tensor packed_conv2d(Conv2dImpl& layer, const torch::Tensor& x);

// As Conv2d::forward, of a layer with `winograd`.
torch::Tensor packed_winograd_conv2d(Conv2dImpl& layer, const torch::Tensor& x,
                                     const torch::Tensor& residual);

// As Conv2d::forward_doubled, in half the time: of the nine places that the kernel takes on the doubled image
// four are different, so the same is a transposed convolution of stride 2 with 4×4 weights, sums of the
// kernel's.
torch::Tensor packed_doubling_conv2d(Conv2dImpl& layer, const torch::Tensor& x);

}  // namespace unclip
