// The loops of nn/winograd_kernels.h over lanes: one channel at a time, of which the compiler makes vectors,
// or vectors of a processor's own.
//
// Symbols: T float or Bfloat16Bits, P points a side.
#pragma once

#include <algorithm>
#include <cstdint>

#include "nn/bfloat16_bits.h"

namespace unclip {

template <class T>
struct OneLane {
  using Value = float;
  static constexpr int64_t kCount = 1;
  UNCLIP_INLINE static float read(const T* from) { return widen(*from); }
  UNCLIP_INLINE static float read_float(const float* from) { return *from; }
  UNCLIP_INLINE static void write(float value, T* to) { store(value, *to); }
};

// Calls work(c) for the first lane's channel of each round; the last one may overlap the one before.
template <class Lanes, class Work>
UNCLIP_INLINE void for_lanes(int64_t channels, const Work& work) {
  UNCLIP_INDEPENDENT
  for (int64_t c = 0; c < channels; c += Lanes::kCount)
    work(Lanes::kCount == 1 ? c : std::min(c, channels - Lanes::kCount));
}

// One side of a tile. Rows 2i−1 … 2i+2 of an image that nearest neighbor doubles are x₀ x₁ x₁ x₂, so one of
// its points is zero and left out, and the factor of 2 at another has gone into the kernel.
template <class V>
UNCLIP_INLINE void to_points_1d(const V (&d)[4], V (&v)[4]) {
  v[0] = d[0] - d[2];
  v[1] = d[1] + d[2];
  v[2] = d[2] - d[1];
  v[3] = d[1] - d[3];
}
template <class V>
UNCLIP_INLINE void to_points_1d(const V (&d)[3], V (&v)[3]) {
  v[0] = d[0] - d[1];
  v[1] = d[1];
  v[2] = d[1] - d[2];
}
template <class V>
UNCLIP_INLINE void taps_to_points_1d(const V (&g)[3], V (&u)[4]) {
  u[0] = g[0];
  u[1] = (g[0] + g[1] + g[2]) * 0.5F;
  u[2] = (g[0] - g[1] + g[2]) * 0.5F;
  u[3] = g[2];
}
template <class V>
UNCLIP_INLINE void taps_to_points_1d(const V (&g)[3], V (&u)[3]) {
  u[0] = g[0];
  u[1] = g[0] + g[1] + g[2];
  u[2] = g[2];
}
template <class V>
UNCLIP_INLINE void from_points_1d(const V (&m)[4], V (&y)[2]) {
  y[0] = m[0] + m[1] + m[2];
  y[1] = m[1] - m[2] - m[3];
}
template <class V>
UNCLIP_INLINE void from_points_1d(const V (&m)[3], V (&y)[2]) {
  y[0] = m[0] + m[1];
  y[1] = m[1] - m[2];
}

template <class Lanes, int64_t P, class T>
UNCLIP_INLINE void taps_to_points_loop(const T* taps, int64_t channels, int64_t step, T* points) {
  using V = typename Lanes::Value;
  for_lanes<Lanes>(
      channels, [=](int64_t c) __attribute__((always_inline)) {
        V columns[3][P];  // transposed: [column][point]
        for (int64_t j = 0; j < 3; ++j) {
          V g[3];
          for (int64_t i = 0; i < 3; ++i) g[i] = Lanes::read(taps + (i * 3 + j) * channels + c);
          taps_to_points_1d(g, columns[j]);
        }
        for (int64_t i = 0; i < P; ++i) {
          const V g[3] = {columns[0][i], columns[1][i], columns[2][i]};
          V u[P];
          taps_to_points_1d(g, u);
          for (int64_t j = 0; j < P; ++j) Lanes::write(u[j], points + (i * P + j) * step + c);
        }
      });
}
template <class Lanes, class T>
UNCLIP_INLINE void taps_to_points_by(const T* taps, int64_t side, int64_t channels, int64_t step, T* points) {
  side == 3 ? taps_to_points_loop<Lanes, 3>(taps, channels, step, points)
            : taps_to_points_loop<Lanes, 4>(taps, channels, step, points);
}

template <class Lanes, int64_t P, class T>
UNCLIP_INLINE void to_points_loop(const T* const* positions, int64_t channels, int64_t step, T* points) {
  using V = typename Lanes::Value;
  const T* at[P * P];
  for (int64_t i = 0; i < P * P; ++i) at[i] = positions[i];
  for_lanes<Lanes>(
      channels, [&](int64_t c) __attribute__((always_inline)) {
        V columns[P][P];  // transposed: [column][point]
        for (int64_t j = 0; j < P; ++j) {
          V d[P];
          for (int64_t i = 0; i < P; ++i) d[i] = Lanes::read(at[i * P + j] + c);
          to_points_1d(d, columns[j]);
        }
        for (int64_t i = 0; i < P; ++i) {
          V d[P], v[P];
          for (int64_t j = 0; j < P; ++j) d[j] = columns[j][i];
          to_points_1d(d, v);
          for (int64_t j = 0; j < P; ++j) Lanes::write(v[j], points + (i * P + j) * step + c);
        }
      });
}
template <class Lanes, class T>
UNCLIP_INLINE void to_points_by(const T* const* positions, int64_t side, int64_t channels, int64_t step,
                                T* points) {
  side == 3 ? to_points_loop<Lanes, 3>(positions, channels, step, points)
            : to_points_loop<Lanes, 4>(positions, channels, step, points);
}

template <class Lanes, int64_t P, bool kAdds, class T>
UNCLIP_INLINE void from_points_loop(const float* products, const float* bias, int64_t channels, int64_t step,
                                    const T* const* residuals, T* const* results) {
  using V = typename Lanes::Value;
  T* at[4] = {results[0], results[1], results[2], results[3]};
  const T* from[4] = {};
  if (kAdds) std::copy(residuals, residuals + 4, from);
  for_lanes<Lanes>(
      channels, [&](int64_t c) __attribute__((always_inline)) {
        V columns[P][2];
        for (int64_t j = 0; j < P; ++j) {
          V m[P];
          for (int64_t i = 0; i < P; ++i) m[i] = Lanes::read_float(products + (i * P + j) * step + c);
          from_points_1d(m, columns[j]);
        }
        const V added = Lanes::read_float(bias + c);
        for (int64_t i = 0; i < 2; ++i) {
          V m[P], y[2];
          for (int64_t j = 0; j < P; ++j) m[j] = columns[j][i];
          from_points_1d(m, y);
          for (int64_t j = 0; j < 2; ++j) {
            V result = y[j] + added;
            if (kAdds) result = result + Lanes::read(from[2 * i + j] + c);
            Lanes::write(result, at[2 * i + j] + c);
          }
        }
      });
}
template <class Lanes, int64_t P, class T>
UNCLIP_INLINE void from_points_of(const float* products, const float* bias, int64_t channels, int64_t step,
                                  const T* const* residuals, T* const* results) {
  residuals == nullptr ? from_points_loop<Lanes, P, false>(products, bias, channels, step, residuals, results)
                       : from_points_loop<Lanes, P, true>(products, bias, channels, step, residuals, results);
}
template <class Lanes, class T>
UNCLIP_INLINE void from_points_by(const float* products, const float* bias, int64_t side, int64_t channels,
                                  int64_t step, const T* const* residuals, T* const* results) {
  side == 3 ? from_points_of<Lanes, 3>(products, bias, channels, step, residuals, results)
            : from_points_of<Lanes, 4>(products, bias, channels, step, residuals, results);
}

}  // namespace unclip
