// The passes (see the header). Plain loops for the compiler to make vectors of, with flags of their own.
#include "train/adamw_kernels.h"

#include <algorithm>
#include <cmath>

namespace unclip {
namespace {

template <class T>
UNCLIP_INLINE double add(const T* __restrict gradient, int64_t size, bool add, float* __restrict sum) {
  double squares = 0;
  constexpr int64_t kRun = 1024;  // summed in float32
  for (int64_t begin = 0; begin < size; begin += kRun) {
    float of_run = 0;
    for (int64_t i = begin; i < std::min(size, begin + kRun); ++i) {
      const float value = add ? sum[i] + widen(gradient[i]) : widen(gradient[i]);
      sum[i] = value;
      of_run += value * value;
    }
    squares += of_run;
  }
  return squares;
}

// A new weight, the average that follows it, and what the nets compute with.
template <class T>
UNCLIP_INLINE void put(const AdamWStep& s, float value, float& weight, float& average, T& working) {
  weight = value;
  average += s.ema_share * (value - average);
  store(value, working);
}

template <class T>
UNCLIP_INLINE void step(const AdamWStep& s, int64_t size, const float* __restrict gradient,
                        float* __restrict weights, float* __restrict exp_avg, float* __restrict exp_avg_sq,
                        float* __restrict average, T* __restrict working) {
  const float rate = s.learning_rate / s.bias1;
  for (int64_t i = 0; i < size; ++i) {
    const float g = gradient[i] * s.gradient_scale;
    const float mean = exp_avg[i] + (1 - s.beta1) * (g - exp_avg[i]);
    const float square = s.beta2 * exp_avg_sq[i] + (1 - s.beta2) * g * g;
    const float w =
        weights[i] * (1 - s.weight_decay) - rate * mean / (std::sqrt(square) / s.bias2_root + s.eps);
    exp_avg[i] = mean;
    exp_avg_sq[i] = square;
    put(s, w, weights[i], average[i], working[i]);
  }
}

template <class T>
UNCLIP_INLINE void move(const AdamWStep& s, int64_t size, const float* __restrict update,
                        float* __restrict weights, float* __restrict average, T* __restrict working) {
  for (int64_t i = 0; i < size; ++i)
    put(s, weights[i] * (1 - s.weight_decay) - s.learning_rate * update[i], weights[i], average[i],
        working[i]);
}

}  // namespace

UNCLIP_VECTOR_VERSIONS
double add_gradient(const float* gradient, int64_t size, bool add_to, float* sum) {
  return add(gradient, size, add_to, sum);
}

UNCLIP_VECTOR_VERSIONS
double add_gradient(const Bfloat16Bits* gradient, int64_t size, bool add_to, float* sum) {
  return add(gradient, size, add_to, sum);
}

UNCLIP_VECTOR_VERSIONS
void adamw_step(const AdamWStep& s, int64_t size, const float* gradient, float* weights, float* exp_avg,
                float* exp_avg_sq, float* average, float* working) {
  step(s, size, gradient, weights, exp_avg, exp_avg_sq, average, working);
}

UNCLIP_VECTOR_VERSIONS
void adamw_step(const AdamWStep& s, int64_t size, const float* gradient, float* weights, float* exp_avg,
                float* exp_avg_sq, float* average, Bfloat16Bits* working) {
  step(s, size, gradient, weights, exp_avg, exp_avg_sq, average, working);
}

UNCLIP_VECTOR_VERSIONS
void descend(const AdamWStep& s, int64_t size, const float* update, float* weights, float* average,
             float* working) {
  move(s, size, update, weights, average, working);
}

UNCLIP_VECTOR_VERSIONS
void descend(const AdamWStep& s, int64_t size, const float* update, float* weights, float* average,
             Bfloat16Bits* working) {
  move(s, size, update, weights, average, working);
}

}  // namespace unclip
