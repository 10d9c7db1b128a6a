// The loops of nn/winograd_kernels.h for processors that round to bfloat16 by an instruction of their own
// (AVX512_BF16): rounding by whole numbers takes most of these loops' time.
#pragma once

#include <cstdint>

#include "nn/bfloat16_bits.h"

namespace unclip::rounding {

void taps_to_points(const Bfloat16Bits* taps, int64_t side, int64_t channels, int64_t step,
                    Bfloat16Bits* points);
void to_points(const Bfloat16Bits* const* positions, int64_t side, int64_t channels, int64_t step,
               Bfloat16Bits* points);
void from_points(const float* products, const float* bias, int64_t side, int64_t channels, int64_t step,
                 const Bfloat16Bits* const* residuals, Bfloat16Bits* const* results);

}  // namespace unclip::rounding
