// The loops (see the header), compiled as norm_act_kernels.cpp is.
#include "nn/attention_kernels.h"

#include <algorithm>

#include "nn/exponential.h"

namespace unclip {

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
  const int64_t whole = length / 2 * 2;
  for (int64_t i = 0; i < whole; i += 2) {
    Bfloat16Bits* __restrict to = packed + i * head_width;
    const Bfloat16Bits* __restrict one = v + i * stride;
    const Bfloat16Bits* __restrict other = one + stride;
    for (int64_t c = 0; c < head_width; ++c) {
      to[2 * c] = one[c];
      to[2 * c + 1] = other[c];
    }
  }
  std::fill(packed + whole * head_width, packed + height * head_width, Bfloat16Bits{0});
  if (whole == length) return;
  for (int64_t c = 0; c < head_width; ++c) packed[whole * head_width + 2 * c] = v[whole * stride + c];
}

UNCLIP_VECTOR_VERSIONS
float add_block(SoftmaxRow& row, float* __restrict scores, const Bfloat16Bits* __restrict bias, float scale,
                int64_t length, int64_t width, Bfloat16Bits* __restrict weights) {
  float largest = row.largest;
  if (bias != nullptr) {
    for (int64_t i = 0; i < length; ++i) {
      scores[i] = scores[i] * scale + widen(bias[i]);
      largest = std::max(largest, scores[i]);
    }
  } else {
    for (int64_t i = 0; i < length; ++i) {
      scores[i] *= scale;
      largest = std::max(largest, scores[i]);
    }
  }
  float sum = 0;
  for (int64_t i = 0; i < length; ++i) {
    store(exponential(scores[i] - largest), weights[i]);
    sum += widen(weights[i]);  // rounded, so that what is multiplied sums to one
  }
  std::fill(weights + length, weights + width, Bfloat16Bits{0});
  const float factor = exponential(row.largest - largest);
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
