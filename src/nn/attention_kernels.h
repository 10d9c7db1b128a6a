// The loops of attention in bfloat16 on the CPU that lie between the matrix products of nn/cpu_attention.cpp.
//
// Symbols: L positions, d head width. Rows begin `stride` numbers after one another.
#pragma once

#include <cstdint>

#include "nn/bfloat16_bits.h"

namespace unclip {

// A right factor of bfloat16 products holds two numbers of its inner dimension beside one another.
// k [L,d], d even → kᵀ as [d/2,width,2]; beyond L it is zero.
void pack_keys(const Bfloat16Bits* k, int64_t length, int64_t stride, int64_t head_width, int64_t width,
               Bfloat16Bits* packed);
// v [L,d] → [height/2,d,2], height even; beyond L it is zero.
void pack_values(const Bfloat16Bits* v, int64_t length, int64_t stride, int64_t head_width, int64_t height,
                 Bfloat16Bits* packed);

// What is known of a row of scores after some of its blocks.
struct SoftmaxRow {
  float largest = -1e30F;  // of the scores; finite, also where all of them are masked
  float sum = 0;           // of the weights
};

// One block more of a row's scores, each times `scale` plus its bias (null: none), of which it makes weights
// exp(score − largest); beyond `length`, up to `width`, they are zero. Gives the factor for what was weighed
// by the blocks before.
float add_block(SoftmaxRow& row, float* scores, const Bfloat16Bits* bias, float scale, int64_t length,
                int64_t width, Bfloat16Bits* weights);

// row · factor, in its place, or rounded to bfloat16
void scale_row(float* row, float factor, int64_t width);
void store_row(const float* row, float factor, int64_t width, Bfloat16Bits* to);

}  // namespace unclip
