// Group norm (Wu & He 2018, arXiv:1803.08494) with scale, shift and SiLU, of channels-last images: x is read
// twice and y written once. As on the CPU (nn/fused_group_norm.cpp): the channels of each stretch of
// positions are measured, the groups put together of them, then y = act(x · slope + start). No atomics: sums
// have one order.
//
// Symbols as in the header. A block is bx × by threads: a thread has V neighboring channels (16 bytes, where
// their number and the addresses allow) of every by-th position of a stretch.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "group_norm.h"

namespace unclip::cuda {
namespace {

constexpr int kThreads = 256;

template <class T, int V>
struct alignas(V * sizeof(T)) Pack {
  T of[V];
};

// Where a thread stands: its first channel, and its positions.
struct Place {
  int64_t channel, first, end, batch;
};

template <int V>
__device__ Place place(int64_t positions, int64_t stretch) {
  const int64_t first = blockIdx.x * stretch;
  const int64_t end = first + stretch < positions ? first + stretch : positions;
  return {(static_cast<int64_t>(blockIdx.y) * blockDim.x + threadIdx.x) * V, first + threadIdx.y, end,
          blockIdx.z};
}

// mean and square [B,S,C]: of each channel in a stretch, the mean and the sum of squared distances from it.
template <class T, int V>
__global__ void __launch_bounds__(kThreads) measure(GroupNorm norm, float* mean, float* square) {
  __shared__ float means[kThreads * V], squares[kThreads * V];
  const int64_t channels = norm.channels;
  const Place at = place<V>(norm.positions, norm.stretch());
  const bool is_inside = at.channel < channels;
  float m[V] = {}, q[V] = {}, n = 0;
  if (is_inside) {  // Welford 1962
    const T* x = static_cast<const T*>(norm.x) + at.batch * norm.positions * channels + at.channel;
    for (int64_t p = at.first; p < at.end; p += blockDim.y) {
      const auto values = *reinterpret_cast<const Pack<T, V>*>(x + p * channels);
      n += 1;
      const float share = 1 / n;
#pragma unroll
      for (int v = 0; v < V; ++v) {
        const float value = static_cast<float>(values.of[v]), distance = value - m[v];
        m[v] += distance * share;
        q[v] += distance * (value - m[v]);
      }
    }
  }
  const int row = blockDim.x * V, own = threadIdx.y * row + threadIdx.x * V;
#pragma unroll
  for (int v = 0; v < V; ++v) means[own + v] = m[v], squares[own + v] = q[v];
  __syncthreads();
  if (threadIdx.y != 0 || !is_inside) return;
  const int64_t to = (at.batch * gridDim.x + blockIdx.x) * channels + at.channel;
#pragma unroll
  for (int v = 0; v < V; ++v) {
    const int64_t begin = at.first, count = at.end - begin;  // threadIdx.y is 0
    float middle = 0, sum = 0;
    const auto positions_of = [&](int y) {
      return static_cast<float>(y < count ? (count - y + blockDim.y - 1) / blockDim.y : 0);
    };
    for (int y = 0; y < blockDim.y; ++y) middle += positions_of(y) * means[y * row + own + v];
    middle /= static_cast<float>(count);
    for (int y = 0; y < blockDim.y; ++y) {  // Chan et al. 1983, eq. 2.1
      const float distance = means[y * row + own + v] - middle;
      sum += squares[y * row + own + v] + positions_of(y) * distance * distance;
    }
    mean[to + v] = middle;
    square[to + v] = sum;
  }
}

// The sum over the block, for all of its threads.
__device__ float block_sum(float value, float* room) {
  room[threadIdx.x] = value;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) room[threadIdx.x] += room[threadIdx.x + half];
    __syncthreads();
  }
  const float sum = room[0];
  __syncthreads();  // before the room is used again
  return sum;
}

// slope and start [B,C]. A block has one group of one image.
template <class T>
__global__ void __launch_bounds__(kThreads)
    put_together(GroupNorm norm, const float* mean, const float* square, float* slope, float* start) {
  __shared__ float room[kThreads];
  const int64_t width = norm.channels / norm.groups, first = blockIdx.x * width, batch = blockIdx.y;
  const int64_t stretch = norm.stretch(), stretches = norm.stretches(), parts = stretches * width;
  const auto over_parts = [&](auto part) {
    float sum = 0;
    for (int64_t i = threadIdx.x; i < parts; i += kThreads) {
      const int64_t s = i / width, left = norm.positions - s * stretch;
      sum += part((batch * stretches + s) * norm.channels + first + i % width,
                  static_cast<float>(left < stretch ? left : stretch));
    }
    return block_sum(sum, room);
  };
  const float count = static_cast<float>(norm.positions * width);
  const float middle = over_parts([&](int64_t i, float n) { return n * mean[i]; }) / count;
  const float variance = over_parts([&](int64_t i, float n) {
                           const float distance = mean[i] - middle;
                           return square[i] + n * distance * distance;
                         }) /
                         count;
  const float rstd = 1 / sqrtf(variance + norm.eps);
  const auto read = [](const void* data, int64_t i) {
    return static_cast<float>(static_cast<const T*>(data)[i]);
  };
  for (int64_t c = first + threadIdx.x; c < first + width; c += kThreads) {
    const int64_t i = batch * norm.channels + c;
    float factor = read(norm.weight, c), offset = read(norm.bias, c);
    if (norm.scale != nullptr) {
      const float one_and_scale = 1 + read(norm.scale, i);
      factor *= one_and_scale;
      offset = offset * one_and_scale + read(norm.shift, i);
    }
    slope[i] = factor * rstd;
    start[i] = offset - middle * slope[i];
  }
}

template <class T, int V>
__global__ void __launch_bounds__(kThreads)
    normalize(GroupNorm norm, const float* slope, const float* start) {
  const int64_t channels = norm.channels;
  const Place at = place<V>(norm.positions, norm.stretch());
  if (at.channel >= channels) return;
  float a[V], b[V];
#pragma unroll
  for (int v = 0; v < V; ++v) {
    a[v] = slope[at.batch * channels + at.channel + v];
    b[v] = start[at.batch * channels + at.channel + v];
  }
  const int64_t image = at.batch * norm.positions * channels + at.channel;
  const T* x = static_cast<const T*>(norm.x) + image;
  T* y = static_cast<T*>(norm.y) + image;
  for (int64_t p = at.first; p < at.end; p += blockDim.y) {
    auto values = *reinterpret_cast<const Pack<T, V>*>(x + p * channels);
#pragma unroll
    for (int v = 0; v < V; ++v) {
      const float z = fmaf(static_cast<float>(values.of[v]), a[v], b[v]);
      values.of[v] = static_cast<T>(norm.silu ? z / (1 + expf(-z)) : z);
    }
    *reinterpret_cast<Pack<T, V>*>(y + p * channels) = values;
  }
}

template <class T, int V>
cudaError_t launch_for(const GroupNorm& norm, cudaStream_t stream) {
  const int64_t each = norm.batch * norm.channels, parts = each * norm.stretches();
  float *mean = norm.workspace, *square = mean + parts, *slope = square + parts, *start = slope + each;
  const int64_t packs = norm.channels / V;
  const auto across = static_cast<unsigned>(packs < kThreads ? packs : kThreads);
  const dim3 threads(across, kThreads / across);
  const auto batch = static_cast<unsigned>(norm.batch);
  const dim3 blocks(static_cast<unsigned>(norm.stretches()),
                    static_cast<unsigned>((packs + across - 1) / across), batch);
  const dim3 groups(static_cast<unsigned>(norm.groups), batch);
  measure<T, V><<<blocks, threads, 0, stream>>>(norm, mean, square);
  put_together<T><<<groups, kThreads, 0, stream>>>(norm, mean, square, slope, start);
  normalize<T, V><<<blocks, threads, 0, stream>>>(norm, slope, start);
  return cudaGetLastError();
}

template <class T>
cudaError_t launch_for(const GroupNorm& norm, cudaStream_t stream) {
  constexpr int wide = 16 / sizeof(T);
  const auto is_aligned = [](const void* data) { return reinterpret_cast<uintptr_t>(data) % 16 == 0; };
  if (norm.channels % wide == 0 && is_aligned(norm.x) && is_aligned(norm.y))
    return launch_for<T, wide>(norm, stream);
  return launch_for<T, 1>(norm, stream);
}

}  // namespace

cudaError_t launch(const GroupNorm& norm, cudaStream_t stream) {
  switch (norm.element) {
    case Element::bf16:
      return launch_for<__nv_bfloat16>(norm, stream);
    case Element::f16:
      return launch_for<__half>(norm, stream);
    case Element::f32:
      break;
  }
  return launch_for<float>(norm, stream);
}

}  // namespace unclip::cuda
