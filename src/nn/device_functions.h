// What an accelerator does better than torch's operations for it: the table of libunclip_cuda.so (src/cuda/),
// a library of our own beside the program that is built where there is a CUDA compiler. Without it everything
// runs on torch's operations.
#pragma once

#include <torch/types.h>

#include <functional>
#include <memory>

namespace unclip {

// Device work that was recorded once and is started as a whole.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void replay() = 0;  // on the current stream; reads and writes the addresses of the recorded work
};

struct DeviceFunctions {
  // As group_norm_on_device (nn/fused_group_norm.h) for rows [B,N,C], contiguous as all others; all of one
  // dtype: float32, bfloat16 or float16. No gradient.
  torch::Tensor (*group_norm)(const torch::Tensor& rows, int64_t groups, const torch::Tensor& weight,
                              const torch::Tensor& bias, double eps, const torch::Tensor& scale,
                              const torch::Tensor& shift, bool silu) = nullptr;

  // Runs `work` twice to warm up, then records it. Memory that it takes while it is recorded stays its own.
  // Throws c10::Error for work that cannot be recorded, and where memory runs out; the device is then as it
  // was.
  std::unique_ptr<Recording> (*record)(torch::Device device, const std::function<void()>& work) = nullptr;
};

// The library exports `const DeviceFunctions* ()` by this name, whose number counts the changes of the table.
inline constexpr const char* kDeviceFunctionsEntry = "unclip_device_functions_1";

// nullptr where there are none for this device. Looked for once.
const DeviceFunctions* functions_for(torch::Device device);

}  // namespace unclip
