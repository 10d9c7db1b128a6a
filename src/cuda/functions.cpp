// The table that the program finds in this library (nn/device_functions.h).
#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "group_norm.h"
#include "recording.h"

namespace unclip::cuda {
namespace {

Element element_of(const at::Tensor& t) {
  switch (t.scalar_type()) {
    case at::kBFloat16:
      return Element::bf16;
    case at::kHalf:
      return Element::f16;
    default:
      return Element::f32;
  }
}

at::Tensor group_norm(const at::Tensor& rows, int64_t groups, const at::Tensor& weight,
                      const at::Tensor& bias, double eps, const at::Tensor& scale, const at::Tensor& shift,
                      bool silu) {
  const c10::cuda::CUDAGuard on_device(rows.device());
  at::Tensor y = at::empty_like(rows);
  if (rows.numel() == 0) return y;
  const auto data = [](const at::Tensor& t) { return t.defined() ? t.const_data_ptr() : nullptr; };
  GroupNorm norm{.element = element_of(rows),
                 .x = data(rows),
                 .weight = data(weight),
                 .bias = data(bias),
                 .scale = data(scale),
                 .shift = data(shift),
                 .y = y.data_ptr(),
                 .batch = rows.size(0),
                 .positions = rows.size(1),
                 .channels = rows.size(2),
                 .groups = groups,
                 .eps = static_cast<float>(eps),
                 .silu = silu};
  const at::Tensor workspace = at::empty({norm.workspace_floats()}, rows.options().dtype(at::kFloat));
  norm.workspace = workspace.data_ptr<float>();
  C10_CUDA_CHECK(launch(norm, c10::cuda::getCurrentCUDAStream()));
  return y;
}

constexpr DeviceFunctions kFunctions{.group_norm = group_norm, .record = record};

}  // namespace
}  // namespace unclip::cuda

extern "C" __attribute__((visibility("default"))) const unclip::DeviceFunctions* unclip_device_functions_1() {
  return &unclip::cuda::kFunctions;
}
