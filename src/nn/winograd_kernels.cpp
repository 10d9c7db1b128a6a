// The loops (see the header), compiled as norm_act_kernels.cpp is.
#include "nn/winograd_kernels.h"

#include "nn/winograd_loops.h"
#include "nn/winograd_rounding.h"

namespace unclip {
namespace {

// Whether this processor has the instruction, and enough channels for its vectors.
bool can_round([[maybe_unused]] int64_t channels) {
#ifdef __x86_64__
  static const bool can = __builtin_cpu_supports("avx512bf16") != 0;
  return can && channels >= 16;
#else
  return false;
#endif
}

UNCLIP_VECTOR_VERSIONS
void plain_taps_to_points(const Bfloat16Bits* taps, int64_t side, int64_t channels, int64_t step,
                          Bfloat16Bits* points) {
  taps_to_points_by<OneLane<Bfloat16Bits>>(taps, side, channels, step, points);
}

UNCLIP_VECTOR_VERSIONS
void plain_to_points(const Bfloat16Bits* const* positions, int64_t side, int64_t channels, int64_t step,
                     Bfloat16Bits* points) {
  to_points_by<OneLane<Bfloat16Bits>>(positions, side, channels, step, points);
}

UNCLIP_VECTOR_VERSIONS
void plain_from_points(const float* products, const float* bias, int64_t side, int64_t channels, int64_t step,
                       const Bfloat16Bits* const* residuals, Bfloat16Bits* const* results) {
  from_points_by<OneLane<Bfloat16Bits>>(products, bias, side, channels, step, residuals, results);
}

}  // namespace

UNCLIP_VECTOR_VERSIONS
void taps_to_points(const float* taps, int64_t side, int64_t channels, int64_t step, float* points) {
  taps_to_points_by<OneLane<float>>(taps, side, channels, step, points);
}

void taps_to_points(const Bfloat16Bits* taps, int64_t side, int64_t channels, int64_t step,
                    Bfloat16Bits* points) {
  (can_round(channels) ? rounding::taps_to_points : plain_taps_to_points)(taps, side, channels, step, points);
}

UNCLIP_VECTOR_VERSIONS
void to_points(const float* const* positions, int64_t side, int64_t channels, int64_t step, float* points) {
  to_points_by<OneLane<float>>(positions, side, channels, step, points);
}

void to_points(const Bfloat16Bits* const* positions, int64_t side, int64_t channels, int64_t step,
               Bfloat16Bits* points) {
  (can_round(channels) ? rounding::to_points : plain_to_points)(positions, side, channels, step, points);
}

UNCLIP_VECTOR_VERSIONS
void from_points(const float* products, const float* bias, int64_t side, int64_t channels, int64_t step,
                 const float* const* residuals, float* const* results) {
  from_points_by<OneLane<float>>(products, bias, side, channels, step, residuals, results);
}

void from_points(const float* products, const float* bias, int64_t side, int64_t channels, int64_t step,
                 const Bfloat16Bits* const* residuals, Bfloat16Bits* const* results) {
  (can_round(channels) ? rounding::from_points : plain_from_points)(products, bias, side, channels, step,
                                                                    residuals, results);
}

}  // namespace unclip
