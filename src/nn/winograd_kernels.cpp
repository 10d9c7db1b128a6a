// The loops (see the header), compiled as norm_act_kernels.cpp is.
#include "nn/winograd_kernels.h"

namespace unclip {
namespace {

// One side of a tile. Rows 2i−1 … 2i+2 of an image that nearest neighbor doubles are x₀ x₁ x₁ x₂, so one of
// its points is zero and left out, and the factor of 2 at another has gone into the kernel.
UNCLIP_INLINE void to_points_1d(const float (&d)[4], float (&v)[4]) {
  v[0] = d[0] - d[2];
  v[1] = d[1] + d[2];
  v[2] = d[2] - d[1];
  v[3] = d[1] - d[3];
}
UNCLIP_INLINE void to_points_1d(const float (&d)[3], float (&v)[3]) {
  v[0] = d[0] - d[1];
  v[1] = d[1];
  v[2] = d[1] - d[2];
}
UNCLIP_INLINE void taps_to_points_1d(const float (&g)[3], float (&u)[4]) {
  u[0] = g[0];
  u[1] = (g[0] + g[1] + g[2]) / 2;
  u[2] = (g[0] - g[1] + g[2]) / 2;
  u[3] = g[2];
}
UNCLIP_INLINE void taps_to_points_1d(const float (&g)[3], float (&u)[3]) {
  u[0] = g[0];
  u[1] = g[0] + g[1] + g[2];
  u[2] = g[2];
}
UNCLIP_INLINE void from_points_1d(const float (&m)[4], float (&y)[2]) {
  y[0] = m[0] + m[1] + m[2];
  y[1] = m[1] - m[2] - m[3];
}
UNCLIP_INLINE void from_points_1d(const float (&m)[3], float (&y)[2]) {
  y[0] = m[0] + m[1];
  y[1] = m[1] - m[2];
}

template <class T, int64_t P>
UNCLIP_INLINE void taps_to_points_loop(const T* taps, int64_t channels, int64_t step, T* points) {
  UNCLIP_INDEPENDENT
  for (int64_t c = 0; c < channels; ++c) {
    float columns[3][P];  // transposed: [column][point]
    for (int64_t j = 0; j < 3; ++j) {
      float g[3];
      for (int64_t i = 0; i < 3; ++i) g[i] = widen(taps[(i * 3 + j) * channels + c]);
      taps_to_points_1d(g, columns[j]);
    }
    for (int64_t i = 0; i < P; ++i) {
      const float g[3] = {columns[0][i], columns[1][i], columns[2][i]};
      float u[P];
      taps_to_points_1d(g, u);
      for (int64_t j = 0; j < P; ++j) store(u[j], points[(i * P + j) * step + c]);
    }
  }
}

template <class T, int64_t P>
UNCLIP_INLINE void to_points_loop(const T* const* positions, int64_t channels, int64_t step, T* points) {
  const T* at[P * P];
  for (int64_t i = 0; i < P * P; ++i) at[i] = positions[i];
  UNCLIP_INDEPENDENT
  for (int64_t c = 0; c < channels; ++c) {
    float columns[P][P];  // transposed: [column][point]
    for (int64_t j = 0; j < P; ++j) {
      float d[P];
      for (int64_t i = 0; i < P; ++i) d[i] = widen(at[i * P + j][c]);
      to_points_1d(d, columns[j]);
    }
    for (int64_t i = 0; i < P; ++i) {
      float d[P], v[P];
      for (int64_t j = 0; j < P; ++j) d[j] = columns[j][i];
      to_points_1d(d, v);
      for (int64_t j = 0; j < P; ++j) store(v[j], points[(i * P + j) * step + c]);
    }
  }
}

template <class T, int64_t P>
UNCLIP_INLINE void from_points_loop(const float* products, const float* bias, int64_t channels, int64_t step,
                                    T* const* results) {
  T* at[4] = {results[0], results[1], results[2], results[3]};
  UNCLIP_INDEPENDENT
  for (int64_t c = 0; c < channels; ++c) {
    float columns[P][2];
    for (int64_t j = 0; j < P; ++j) {
      float m[P];
      for (int64_t i = 0; i < P; ++i) m[i] = products[(i * P + j) * step + c];
      from_points_1d(m, columns[j]);
    }
    for (int64_t i = 0; i < 2; ++i) {
      float m[P], y[2];
      for (int64_t j = 0; j < P; ++j) m[j] = columns[j][i];
      from_points_1d(m, y);
      for (int64_t j = 0; j < 2; ++j) store(y[j] + bias[c], at[2 * i + j][c]);
    }
  }
}

}  // namespace

UNCLIP_VECTOR_VERSIONS
void taps_to_points(const float* taps, int64_t side, int64_t channels, int64_t step, float* points) {
  side == 3 ? taps_to_points_loop<float, 3>(taps, channels, step, points)
            : taps_to_points_loop<float, 4>(taps, channels, step, points);
}

UNCLIP_VECTOR_VERSIONS
void taps_to_points(const Bfloat16Bits* taps, int64_t side, int64_t channels, int64_t step,
                    Bfloat16Bits* points) {
  side == 3 ? taps_to_points_loop<Bfloat16Bits, 3>(taps, channels, step, points)
            : taps_to_points_loop<Bfloat16Bits, 4>(taps, channels, step, points);
}

UNCLIP_VECTOR_VERSIONS
void to_points(const float* const* positions, int64_t side, int64_t channels, int64_t step, float* points) {
  side == 3 ? to_points_loop<float, 3>(positions, channels, step, points)
            : to_points_loop<float, 4>(positions, channels, step, points);
}

UNCLIP_VECTOR_VERSIONS
void to_points(const Bfloat16Bits* const* positions, int64_t side, int64_t channels, int64_t step,
               Bfloat16Bits* points) {
  side == 3 ? to_points_loop<Bfloat16Bits, 3>(positions, channels, step, points)
            : to_points_loop<Bfloat16Bits, 4>(positions, channels, step, points);
}

UNCLIP_VECTOR_VERSIONS
void from_points(const float* products, const float* bias, int64_t side, int64_t channels, int64_t step,
                 float* const* results) {
  side == 3 ? from_points_loop<float, 3>(products, bias, channels, step, results)
            : from_points_loop<float, 4>(products, bias, channels, step, results);
}

UNCLIP_VECTOR_VERSIONS
void from_points(const float* products, const float* bias, int64_t side, int64_t channels, int64_t step,
                 Bfloat16Bits* const* results) {
  side == 3 ? from_points_loop<Bfloat16Bits, 3>(products, bias, channels, step, results)
            : from_points_loop<Bfloat16Bits, 4>(products, bias, channels, step, results);
}

}  // namespace unclip
