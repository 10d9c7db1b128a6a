// The loops (see the header), compiled for such processors: nothing else may stand here, or others would
// stumble on it.
#include "nn/winograd_rounding.h"

#include "nn/winograd_loops.h"

#ifdef __AVX512BF16__
#include <immintrin.h>

#include <cstring>

namespace unclip {
namespace {

constexpr int64_t kLanes = 16;
using Numbers16 = uint16_t __attribute__((vector_size(2 * kLanes)));
using Numbers32 = uint32_t __attribute__((vector_size(4 * kLanes)));

struct Lanes {
  using Value = __m512;
  static constexpr int64_t kCount = kLanes;
  UNCLIP_INLINE static __m512 read(const Bfloat16Bits* from) {
    Numbers16 bits;
    std::memcpy(&bits, from, sizeof bits);
    return (__m512)(__builtin_convertvector(bits, Numbers32) << 16);
  }
  UNCLIP_INLINE static __m512 read_float(const float* from) { return _mm512_loadu_ps(from); }
  UNCLIP_INLINE static void write(__m512 values, Bfloat16Bits* to) {
    _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(to), (__m256i)_mm512_cvtneps_pbh(values));
  }
};

}  // namespace

namespace rounding {

void taps_to_points(const Bfloat16Bits* taps, int64_t side, int64_t channels, int64_t step,
                    Bfloat16Bits* points) {
  taps_to_points_by<Lanes>(taps, side, channels, step, points);
}

void to_points(const Bfloat16Bits* const* positions, int64_t side, int64_t channels, int64_t step,
               Bfloat16Bits* points) {
  to_points_by<Lanes>(positions, side, channels, step, points);
}

void from_points(const float* products, const float* bias, int64_t side, int64_t channels, int64_t step,
                 const Bfloat16Bits* const* residuals, Bfloat16Bits* const* results) {
  from_points_by<Lanes>(products, bias, side, channels, step, residuals, results);
}

}  // namespace rounding
}  // namespace unclip

#endif
