// The exponential in loops of our own: a few operations that the compiler makes vectors of, where a library's
// is a call for every vector.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "nn/bfloat16_bits.h"

namespace unclip {

// eˣ, off by 1e-6 of it within ±16 and by 4e-6 further out; for x below −87 and above 88 that of these. It is
// 2ⁿ · 2ᶠ with n whole and f in −½ … ½; of 2ᶠ the series up to its sixth power leaves out 1.2e-7.
UNCLIP_INLINE float exponential(float x) {
  constexpr float kLog2e = 1.44269504F;
  constexpr int32_t kBias = 127, kMantissaBits = 23;  // of float32's exponent
  const float power = std::min(std::max(x, -87.0F), 88.0F) * kLog2e;
  const auto biased = static_cast<int32_t>(power + (kBias + 0.5F));  // above 0, so that it is cut downwards
  const float f = power - static_cast<float>(biased - kBias);
  float series = 1.54035304e-4F * f + 1.33335581e-3F;
  series = series * f + 9.61812911e-3F;
  series = series * f + 5.55041087e-2F;
  series = series * f + 2.40226507e-1F;
  series = series * f + 6.93147181e-1F;
  series = series * f + 1;
  return series * std::bit_cast<float>(biased << kMantissaBits);
}

}  // namespace unclip
