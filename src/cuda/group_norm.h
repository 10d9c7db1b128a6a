// Launches the group norm of group_norm.cu. Free of torch, which nvcc compiles slowly.
//
// Symbols: B batch, N positions, C channels, G groups, S stretches of positions.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace unclip::cuda {

enum class Element { f32, bf16, f16 };

// As group_norm_on_device (nn/fused_group_norm.h). Pointers are to the device, contiguous, `element` each
// unless they say float; x and y [B,N,C], weight and bias [C], scale and shift [B,C] or both null.
struct GroupNorm {
  Element element = Element::f32;
  const void *x = nullptr, *weight = nullptr, *bias = nullptr, *scale = nullptr, *shift = nullptr;
  void* y = nullptr;
  float* workspace = nullptr;  // workspace_floats() of them
  int64_t batch = 0, positions = 0, channels = 0, groups = 1;
  float eps = 0;
  bool silu = false;

  // Depends on the shape alone, and with it the order of all sums.
  constexpr int64_t stretch() const { return positions <= 16 * 256 ? 16 : (positions + 255) / 256; }
  constexpr int64_t stretches() const { return (positions + stretch() - 1) / stretch(); }
  constexpr int64_t workspace_floats() const { return 2 * batch * channels * (stretches() + 1); }
};

// Three kernels on `stream`; the result of the launches.
cudaError_t launch(const GroupNorm& norm, cudaStream_t stream);

}  // namespace unclip::cuda
