// The passes (see the header). Plain loops over channels, for the compiler to make vectors of: such files
// alone are compiled with -O3 -ffast-math.
#include "nn/norm_act_kernels.h"

#include <vector>

#include "nn/exponential.h"

namespace unclip {
namespace {

UNCLIP_INLINE float sigmoid(float z) { return 1 / (1 + exponential(-z)); }

template <class T>
UNCLIP_INLINE void moments(const T* __restrict x, int64_t positions, int64_t channels, float* __restrict mean,
                           float* __restrict square) {
  for (int64_t c = 0; c < channels; ++c) mean[c] = square[c] = 0;
  for (int64_t n = 0; n < positions; ++n)
    for (int64_t c = 0; c < channels; ++c) mean[c] += widen(x[n * channels + c]);
  for (int64_t c = 0; c < channels; ++c) mean[c] /= static_cast<float>(positions);
  for (int64_t n = 0; n < positions; ++n)
    for (int64_t c = 0; c < channels; ++c) {
      const float distance = widen(x[n * channels + c]) - mean[c];
      square[c] += distance * distance;
    }
}

template <class T>
UNCLIP_INLINE void forward(const NormAct& layer, const T* __restrict x, T* __restrict y) {
  const int64_t channels = layer.channels;
  const float* __restrict slope = layer.slope;
  const float* __restrict start = layer.start;
  for (int64_t n = 0; n < layer.positions; ++n) {
    const T* __restrict from = x + n * channels;
    T* __restrict to = y + n * channels;
    if (layer.silu) {
      for (int64_t c = 0; c < channels; ++c) {
        const float z = widen(from[c]) * slope[c] + start[c];
        store(z * sigmoid(z), to[c]);
      }
    } else {
      for (int64_t c = 0; c < channels; ++c) store(widen(from[c]) * slope[c] + start[c], to[c]);
    }
  }
}

// With W = factor: dx = rstd·(dz·W − mean(dz·W) − x̂·mean(dz·W·x̂)), means over a group.
template <class T>
UNCLIP_INLINE void backward(const NormAct& layer, const NormStatistics& norm, const T* __restrict x,
                            const T* __restrict dy, T* __restrict dx, float* __restrict sum_dz,
                            float* __restrict sum_normal) {
  const int64_t channels = layer.channels, width = channels / norm.groups;
  const float* __restrict slope = layer.slope;
  const float* __restrict start = layer.start;
  for (int64_t c = 0; c < channels; ++c) sum_dz[c] = sum_normal[c] = 0;
  for (int64_t n = 0; n < layer.positions; ++n) {
    const T* __restrict from = x + n * channels;
    const T* __restrict of_y = dy + n * channels;
    T* __restrict dz = dx + n * channels;  // for now
    for (int64_t c = 0; c < channels; ++c) {
      const float value = widen(from[c]);
      float gradient = widen(of_y[c]);
      if (layer.silu) {
        const float z = value * slope[c] + start[c], s = sigmoid(z);
        gradient *= s * (1 + z * (1 - s));
      }
      store(gradient, dz[c]);
      sum_dz[c] += gradient;
      sum_normal[c] += gradient * value;  // Σ dz·x, for now
    }
  }
  std::vector<float> room(static_cast<size_t>(2 * channels));
  float* __restrict of_x = room.data();
  float* __restrict of_one = of_x + channels;
  for (int64_t g = 0; g < norm.groups; ++g) {
    const float mean = norm.mean[g], rstd = norm.rstd[g];
    float of_dz = 0, of_normal = 0;
    for (int64_t c = g * width; c < (g + 1) * width; ++c) {
      sum_normal[c] = (sum_normal[c] - mean * sum_dz[c]) * rstd;
      of_dz += sum_dz[c] * norm.factor[c];
      of_normal += sum_normal[c] * norm.factor[c];
    }
    const float share = rstd / static_cast<float>(width * layer.positions);
    for (int64_t c = g * width; c < (g + 1) * width; ++c) {
      of_x[c] = -rstd * of_normal * share;
      of_one[c] = -of_dz * share - of_x[c] * mean;
    }
  }
  for (int64_t n = 0; n < layer.positions; ++n) {
    const T* __restrict from = x + n * channels;
    T* __restrict to = dx + n * channels;
    for (int64_t c = 0; c < channels; ++c)
      store(widen(to[c]) * slope[c] + (widen(from[c]) * of_x[c] + of_one[c]), to[c]);
  }
}

}  // namespace

UNCLIP_VECTOR_VERSIONS
void channel_moments(const float* x, int64_t positions, int64_t channels, float* mean, float* square) {
  moments(x, positions, channels, mean, square);
}

UNCLIP_VECTOR_VERSIONS
void channel_moments(const Bfloat16Bits* x, int64_t positions, int64_t channels, float* mean, float* square) {
  moments(x, positions, channels, mean, square);
}

UNCLIP_VECTOR_VERSIONS
void norm_act_forward(const NormAct& layer, const float* x, float* y) { forward(layer, x, y); }

UNCLIP_VECTOR_VERSIONS
void norm_act_forward(const NormAct& layer, const Bfloat16Bits* x, Bfloat16Bits* y) { forward(layer, x, y); }

UNCLIP_VECTOR_VERSIONS
void norm_act_backward(const NormAct& layer, const NormStatistics& norm, const float* x, const float* dy,
                       float* dx, float* sum_dz, float* sum_normal) {
  backward(layer, norm, x, dy, dx, sum_dz, sum_normal);
}

UNCLIP_VECTOR_VERSIONS
void norm_act_backward(const NormAct& layer, const NormStatistics& norm, const Bfloat16Bits* x,
                       const Bfloat16Bits* dy, Bfloat16Bits* dx, float* sum_dz, float* sum_normal) {
  backward(layer, norm, x, dy, dx, sum_dz, sum_normal);
}

}  // namespace unclip
