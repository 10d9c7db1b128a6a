// The loops of nn/winograd.cpp around its matrix products. Points are those of one tile, row by row.
//
// Symbols: C channels, P points a side: 4, or 3 of an image that is doubled.
#pragma once

#include <cstdint>

#include "nn/bfloat16_bits.h"

namespace unclip {

// G g Gᵀ: a kernel's nine taps g, [C] each, one after another → its points, `step` numbers after one another.
template <class T, int64_t P>
void taps_to_points(const T* taps, int64_t channels, int64_t step, T* points);

// Bᵀ d B: the P² positions d that a tile's results depend on, [C] each → its points, [C] each, `step` numbers
// after one another.
template <class T, int64_t P>
void to_points(const T* const* positions, int64_t channels, int64_t step, T* points);

// Aᵀ m A + bias: the products m at a tile's points, [C] each, `step` after one another → its 2×2 results.
template <class T, int64_t P>
void from_points(const float* products, const float* bias, int64_t channels, int64_t step, T* const* results);

}  // namespace unclip
