// The library's product of small blocks, the one that its own kernels are made of. In bfloat16 it is several
// times as fast as at::matmul where the processor has no matrix unit (AMX).
#pragma once

#include <ATen/native/CPUBlas.h>

#include <exception>
#include <type_traits>
#include <vector>

#include "nn/bfloat16_bits.h"

namespace unclip {

// c [rows,columns] = a [rows,inner] · b [inner,columns], or that much more where `add`; T is float or
// Bfloat16Bits. Rows of a and b begin `stride` numbers after one another. b of bfloat16 holds two numbers of
// its inner dimension, which must be even, beside one another: [inner/2,columns,2].
template <class T>
void multiply_blocks(int64_t rows, int64_t columns, int64_t inner, const T* a, int64_t stride_of_a,
                     const T* b, int64_t stride_of_b, bool add, float* c) {
  using Number = std::conditional_t<std::is_same_v<T, float>, float, at::BFloat16>;
  at::native::cpublas::brgemm(rows, columns, inner, stride_of_a, stride_of_b, columns, add,
                              reinterpret_cast<const Number*>(a), reinterpret_cast<const Number*>(b), c);
}

// Whether this processor has them: else the library throws, its own error or that of oneDNN (AVX-512 without
// bfloat16).
template <class T>
bool multiplies_blocks() {
  static const bool can = [] {
    constexpr int64_t kSide = 16;
    const std::vector<T> factor(kSide * kSide);
    std::vector<float> product(kSide * kSide);
    try {
      multiply_blocks(kSide, kSide, kSide, factor.data(), kSide, factor.data(), kSide, false, product.data());
    } catch (const std::exception&) {
      return false;
    }
    return true;
  }();
  return can;
}

// To be called when a thread's products are done: where they are AMX's, the unit was set up for them.
inline void release_blocks() { at::native::cpublas::brgemm_release(); }

}  // namespace unclip
