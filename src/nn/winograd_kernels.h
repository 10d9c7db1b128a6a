// The loops of nn/winograd.cpp around its matrix products. Points are those of one tile, row by row.
//
// Symbols: C channels, P points a side (`side`): 4, or 3 of an image that is doubled.
#pragma once

#include <cstdint>

#include "nn/bfloat16_bits.h"

namespace unclip {

// G g Gᵀ: a kernel's nine taps g, [C] each, one after another → its points, `step` numbers after one another.
void taps_to_points(const float* taps, int64_t side, int64_t channels, int64_t step, float* points);
void taps_to_points(const Bfloat16Bits* taps, int64_t side, int64_t channels, int64_t step,
                    Bfloat16Bits* points);

// Bᵀ d B: the P² positions d that a tile's results depend on, [C] each → its points, [C] each, `step` numbers
// after one another.
void to_points(const float* const* positions, int64_t side, int64_t channels, int64_t step, float* points);
void to_points(const Bfloat16Bits* const* positions, int64_t side, int64_t channels, int64_t step,
               Bfloat16Bits* points);

// Aᵀ m A + bias, + residuals where not null: the products m at a tile's points, [C] each, `step` after one
// another → its 2×2 results.
void from_points(const float* products, const float* bias, int64_t side, int64_t channels, int64_t step,
                 const float* const* residuals, float* const* results);
void from_points(const float* products, const float* bias, int64_t side, int64_t channels, int64_t step,
                 const Bfloat16Bits* const* residuals, Bfloat16Bits* const* results);

}  // namespace unclip
