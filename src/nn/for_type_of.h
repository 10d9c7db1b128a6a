// From a tensor to the type that loops of our own know its numbers by.
#pragma once

#include <torch/types.h>

#include "nn/bfloat16_bits.h"

namespace unclip {

// Gives work(null pointer to float), or to Bfloat16Bits for a tensor of bfloat16.
template <class Work>
auto for_type_of(const torch::Tensor& x, const Work& work) {
  return x.scalar_type() == torch::kBFloat16 ? work(static_cast<Bfloat16Bits*>(nullptr))
                                             : work(static_cast<float*>(nullptr));
}

}  // namespace unclip
