// Group norm, scale and shift and SiLU of one picture in as few passes over it as there can be, forwards and
// backwards; for training on the CPU, where the library's chain of small operations is bound by memory.
//
// Symbols: N positions, C channels, G groups. Pictures are [N,C], contiguous.
#pragma once

#include <cstdint>

namespace unclip {

using Bfloat16Bits = uint16_t;

// One picture's layer: y = act(x̂·factor + offset) with x̂ = (x − mean)·rstd, the statistics a group's own.
struct NormAct {
  int64_t positions, channels, groups;
  const float *factor, *offset;  // [C] weight·(1 + scale), bias·(1 + scale) + shift
  float *mean, *rstd;            // [G] written by forward, read by backward
  bool silu;                     // act: SiLU, or none
};

void norm_act_forward(const NormAct& layer, double eps, const float* x, float* y);
void norm_act_forward(const NormAct& layer, double eps, const Bfloat16Bits* x, Bfloat16Bits* y);

// From dL/dy to dL/dx, and with dz the gradient of what act is given: sum_dz [C] = Σ dz, sum_normal [C] =
// Σ dz·x̂ over the positions, from which those of weight, bias, scale and shift follow.
void norm_act_backward(const NormAct& layer, const float* x, const float* dy, float* dx, float* sum_dz,
                       float* sum_normal);
void norm_act_backward(const NormAct& layer, const Bfloat16Bits* x, const Bfloat16Bits* dy, Bfloat16Bits* dx,
                       float* sum_dz, float* sum_normal);

}  // namespace unclip
