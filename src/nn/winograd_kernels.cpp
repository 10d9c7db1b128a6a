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

// A template has no versions of its own: one function for each.
#define UNCLIP_WINOGRAD_KERNELS(T, P, name)                                                         \
  UNCLIP_VECTOR_VERSIONS                                                                            \
  void taps_to_points_##name(const T* taps, int64_t channels, int64_t step, T* points) {            \
    taps_to_points_loop<T, P>(taps, channels, step, points);                                        \
  }                                                                                                 \
  UNCLIP_VECTOR_VERSIONS                                                                            \
  void to_points_##name(const T* const* positions, int64_t channels, int64_t step, T* points) {     \
    to_points_loop<T, P>(positions, channels, step, points);                                        \
  }                                                                                                 \
  UNCLIP_VECTOR_VERSIONS                                                                            \
  void from_points_##name(const float* products, const float* bias, int64_t channels, int64_t step, \
                          T* const* results) {                                                      \
    from_points_loop<T, P>(products, bias, channels, step, results);                                \
  }                                                                                                 \
  template <>                                                                                       \
  void taps_to_points<T, P>(const T* taps, int64_t channels, int64_t step, T* points) {             \
    taps_to_points_##name(taps, channels, step, points);                                            \
  }                                                                                                 \
  template <>                                                                                       \
  void to_points<T, P>(const T* const* positions, int64_t channels, int64_t step, T* points) {      \
    to_points_##name(positions, channels, step, points);                                            \
  }                                                                                                 \
  template <>                                                                                       \
  void from_points<T, P>(const float* products, const float* bias, int64_t channels, int64_t step,  \
                         T* const* results) {                                                       \
    from_points_##name(products, bias, channels, step, results);                                    \
  }

UNCLIP_WINOGRAD_KERNELS(float, 4, float)
UNCLIP_WINOGRAD_KERNELS(float, 3, doubled_float)
UNCLIP_WINOGRAD_KERNELS(Bfloat16Bits, 4, bfloat16)
UNCLIP_WINOGRAD_KERNELS(Bfloat16Bits, 3, doubled_bfloat16)

}  // namespace unclip
