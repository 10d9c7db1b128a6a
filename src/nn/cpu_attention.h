// Attention on the CPU in bfloat16. The library multiplies there in float32 unless the processor has a matrix
// unit (AMX); its bfloat16 products are several times as fast.
#pragma once

#include <torch/types.h>

namespace unclip {

// Whether attend_in_blocks() takes these, and gains by it: bfloat16 without a gradient, on a processor whose
// bfloat16 products the library has.
bool suits_blocks(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v);

// As attend_heads() (nn/attention.h).
torch::Tensor attend_in_blocks(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                               const torch::Tensor& bias);

}  // namespace unclip
