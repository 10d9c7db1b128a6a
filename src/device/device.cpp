// Chooses the device and opens CUDA at run time (see the header).
#include "device/device.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <spdlog/spdlog.h>
#include <torch/cuda.h>

#include <cstdlib>
#include <mutex>

#include "device/memory.h"
#include "unclip/error.h"

namespace unclip {
namespace {

// Registers torch's CUDA half in this process. Returns why that failed, or nothing.
std::string open_cuda() {
  if (dlopen("libcuda.so.1", RTLD_NOW) == nullptr) return "no NVIDIA driver (libcuda.so.1) on this machine";
  if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr)
    return std::string("libtorch without CUDA (") + dlerror() + ")";
  return {};
}

bool cpu_multiplies_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;  // every CPU with AMX has it too
#else
  return false;
#endif
}

torch::Device choose_device(const DeviceChoice& choice) {
  if (choice.kind == DeviceChoice::Kind::cpu) return torch::kCPU;
  const bool demanded = choice.kind == DeviceChoice::Kind::cuda;
  const std::string why_not = open_cuda();
  const auto index = static_cast<c10::DeviceIndex>(choice.index);
  if (!demanded)  // whatever torch knows in this process
    return at::accelerator::deviceCount() > index ? torch::Device(*at::getAccelerator(), index) : torch::kCPU;
  const int count = why_not.empty() ? static_cast<int>(torch::cuda::device_count()) : 0;
  if (count > choice.index) return {torch::kCUDA, index};
  throw Error(ExitCode::usage,
              Cause{.field = "device",
                    .expected = "GPU cuda:" + std::to_string(choice.index),
                    .found = why_not.empty() ? std::to_string(count) + " in this machine" : why_not});
}

// Every operation on images takes tens of megabytes, which the system would give page by page, cleared: a
// seventh of the time at Karlo's size. Torch asks for huge pages where this is set
// (c10/core/impl/alloc_cpu.cpp).
void take_huge_pages() { setenv("THP_MEM_ALLOC_ENABLE", "1", /*replace=*/0); }

// Left alone, torch computes float32 convolutions in TF32 on a GPU, which keeps 10 of the mantissa's 23 bits.
void round_to_float32() {
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setAllowTF32CuBLAS(false);
}

// cuDNN can try its algorithms on the first image of a size and keep the fastest; which one that is changes
// from run to run, and with it the last bits.
void choose_algorithms(bool deterministic) {
  auto& torch_context = at::globalContext();
  torch_context.setBenchmarkCuDNN(!deterministic);
  if (!deterministic) return;
  torch_context.setDeterministicCuDNN(true);
  // A warning, rather than no image, where an operation knows no such algorithm.
  torch_context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  torch_context.setDeterministicFillUninitializedMemory(false);
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*replace=*/0);  // as cuBLAS asks for, before it is opened
}

// Of processors other than x86 we do not know. Once: some verbs choose twice.
void warn_of_slow([[maybe_unused]] torch::Dtype dtype) {
#if defined(__x86_64__)
  static std::once_flag told;
  std::call_once(told, [&] {
    spdlog::warn("this processor computes {} slowly: f32 takes less time, and twice the memory",
                 dtype_name(dtype));
  });
#endif
}

torch::Dtype choose_dtype(const torch::Device& device, DtypeChoice choice) {
  // Processors with AVX512-FP16 have AVX512-BF16, too.
  const bool half_is_fast = !device.is_cpu() || cpu_multiplies_bf16();
  if (choice == DtypeChoice::f32) return torch::kFloat32;
  if (choice == DtypeChoice::automatic) return half_is_fast ? torch::kBFloat16 : torch::kFloat32;
  const torch::Dtype half = choice == DtypeChoice::bf16 ? torch::kBFloat16 : torch::kFloat16;
  if (!half_is_fast) warn_of_slow(half);
  return half;
}

}  // namespace

DeviceAndDtype select_device(const DeviceChoice& device_choice, DtypeChoice dtype_choice) {
  const torch::Device device = choose_device(device_choice);
  if (device.is_cpu()) {
    take_huge_pages();
    be_refused_rather_than_killed();
  } else {
    round_to_float32();
    choose_algorithms(device_choice.deterministic);
  }
  return {device, choose_dtype(device, dtype_choice)};
}

std::string describe(const DeviceAndDtype& target) {
  const std::string where = target.device.is_cpu()
                                ? "cpu, " + std::to_string(at::get_num_threads()) + " threads"
                                : target.device.str();
  return where + ", " + dtype_name(target.dtype);
}

std::string dtype_name(torch::Dtype dtype) {
  if (dtype == torch::kBFloat16) return "bf16";
  if (dtype == torch::kFloat16) return "f16";
  return "f32";
}

}  // namespace unclip
