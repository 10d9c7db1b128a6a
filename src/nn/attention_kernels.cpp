// The loops (see the header), compiled as norm_act_kernels.cpp is.
#include "nn/attention_kernels.h"

#include <algorithm>
#include <cmath>

namespace unclip {
namespace {

// Far out the exponential would be no normal number.
UNCLIP_INLINE float weight_of(float below) { return std::exp(std::max(below, -80.0F)); }

}  // namespace

UNCLIP_VECTOR_VERSIONS
void pack_keys(const Bfloat16Bits* k, int64_t length, int64_t stride, int64_t head_width, int64_t width,
               Bfloat16Bits* packed) {
  for (int64_t pair = 0; pair < head_width / 2; ++pair) {
    Bfloat16Bits* __restrict to = packed + pair * width * 2;
    for (int64_t i = 0; i < length; ++i) {
      to[2 * i] = k[i * stride + 2 * pair];
      to[2 * i + 1] = k[i * stride + 2 * pair + 1];
    }
    std::fill(to + 2 * length, to + 2 * width, Bfloat16Bits{0});
  }
}

UNCLIP_VECTOR_VERSIONS
void pack_values(const Bfloat16Bits* v, int64_t length, int64_t stride, int64_t head_width, int64_t height,
                 Bfloat16Bits* packed) {
  for (int64_t i = 0; i < height; ++i) {
    Bfloat16Bits* __restrict to = packed + (i / 2) * head_width * 2 + i % 2;
    const Bfloat16Bits* __restrict from = v + i * stride;
    if (i < length)
      for (int64_t c = 0; c < head_width; ++c) to[2 * c] = from[c];
    else
      for (int64_t c = 0; c < head_width; ++c) to[2 * c] = 0;
  }
}

UNCLIP_VECTOR_VERSIONS
float add_block(SoftmaxRow& row, float* __restrict scores, const Bfloat16Bits* __restrict bias, float scale,
                int64_t length, int64_t width, Bfloat16Bits* __restrict weights) {
  float largest = row.largest;
  if (bias != nullptr)
    for (int64_t i = 0; i < length; ++i) scores[i] = scores[i] * scale + widen(bias[i]);
  else
    for (int64_t i = 0; i < length; ++i) scores[i] *= scale;
  for (int64_t i = 0; i < length; ++i) largest = std::max(largest, scores[i]);
  float sum = 0;
  for (int64_t i = 0; i < length; ++i) {
    store(weight_of(scores[i] - largest), weights[i]);
    sum += widen(weights[i]);  // rounded, so that what is multiplied sums to one
  }
  std::fill(weights + length, weights + width, Bfloat16Bits{0});
  const float factor = weight_of(row.largest - largest);
  row.sum = row.sum * factor + sum;
  row.largest = largest;
  return factor;
}

UNCLIP_VECTOR_VERSIONS
void scale_row(float* row, float factor, int64_t width) {
  for (int64_t i = 0; i < width; ++i) row[i] *= factor;
}

UNCLIP_VECTOR_VERSIONS
void store_row(const float* __restrict row, float factor, int64_t width, Bfloat16Bits* __restrict to) {
  for (int64_t i = 0; i < width; ++i) store(row[i] * factor, to[i]);
}

}  // namespace unclip
