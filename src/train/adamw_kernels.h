// The two passes over the parameters in a training step on the CPU, over one stretch of them at a time: the
// library's chain of operations reads and writes every one of six tensors several times.
#pragma once

#include <cstdint>

#include "nn/bfloat16_bits.h"

namespace unclip {

// sum = gradient, or sum += gradient where `add`; gives Σ sum².
double add_gradient(const float* gradient, int64_t size, bool add, float* sum);
double add_gradient(const Bfloat16Bits* gradient, int64_t size, bool add, float* sum);

// AdamW (arXiv:1711.05101, algorithm 2), the moving average, and the weights that the nets compute with.
struct AdamWStep {
  float gradient_scale;               // clips the gradient's norm
  float learning_rate, weight_decay;  // decay: already times the learning rate
  float beta1, beta2, eps;
  float bias1, bias2_root;  // 1 − β₁ᵗ, √(1 − β₂ᵗ)
  float ema_share;          // 1 − decay of the average
};

void adamw_step(const AdamWStep& step, int64_t size, const float* gradient, float* weights, float* exp_avg,
                float* exp_avg_sq, float* average, float* working);
void adamw_step(const AdamWStep& step, int64_t size, const float* gradient, float* weights, float* exp_avg,
                float* exp_avg_sq, float* average, Bfloat16Bits* working);

// The same with an update that is there already, in the place of Adam's.
void descend(const AdamWStep& step, int64_t size, const float* update, float* weights, float* average,
             float* working);
void descend(const AdamWStep& step, int64_t size, const float* update, float* weights, float* average,
             Bfloat16Bits* working);

}  // namespace unclip
