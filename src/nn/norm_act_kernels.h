// The loops of group norm, scale and shift, and SiLU on the CPU, forwards and backwards, in as few passes as
// there can be: the library's chain of small operations is bound by memory.
//
// Symbols: N positions, C channels, G groups. Images, and stretches of them, are [N,C], contiguous.
#pragma once

#include <cstdint>

#include "nn/bfloat16_bits.h"

namespace unclip {

// Of each channel over N positions: mean [C], and square [C] = Σ (x − mean)².
void channel_moments(const float* x, int64_t positions, int64_t channels, float* mean, float* square);
void channel_moments(const Bfloat16Bits* x, int64_t positions, int64_t channels, float* mean, float* square);

// y = act(x·slope + start), which is act(x̂·factor + offset) with x̂ = (x − mean)·rstd.
struct NormAct {
  int64_t positions, channels;
  const float *slope, *start;  // [C]
  bool silu;                   // act: SiLU, or none
};

void norm_act_forward(const NormAct& layer, const float* x, float* y);
void norm_act_forward(const NormAct& layer, const Bfloat16Bits* x, Bfloat16Bits* y);

// What `slope` came from.
struct NormStatistics {
  int64_t groups;
  const float *factor, *mean, *rstd;  // [C], [G], [G]
};

// For a whole image, from dL/dy to dL/dx, and with dz the gradient of what act is given: sum_dz [C] = Σ dz,
// sum_normal [C] = Σ dz·x̂ over the positions, from which those of weight, bias, scale and shift follow.
void norm_act_backward(const NormAct& layer, const NormStatistics& norm, const float* x, const float* dy,
                       float* dx, float* sum_dz, float* sum_normal);
void norm_act_backward(const NormAct& layer, const NormStatistics& norm, const Bfloat16Bits* x,
                       const Bfloat16Bits* dy, Bfloat16Bits* dx, float* sum_dz, float* sum_normal);

}  // namespace unclip
