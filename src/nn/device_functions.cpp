// Opens the library (see the header). It needs torch's CUDA half, which select_device() has opened by then.
#include "nn/device_functions.h"

#include <ATen/Context.h>
#include <dlfcn.h>
#include <spdlog/spdlog.h>

#include <bit>

namespace unclip {
namespace {

const DeviceFunctions* open_functions() {
  void* library = ::dlopen("libunclip_cuda.so", RTLD_NOW | RTLD_LOCAL);
  void* entry = library == nullptr ? nullptr : ::dlsym(library, kDeviceFunctionsEntry);
  if (entry == nullptr) {
    spdlog::debug("without kernels of our own for the GPU: {}", ::dlerror());
    return nullptr;
  }
  return std::bit_cast<const DeviceFunctions* (*)()>(entry)();
}

}  // namespace

const DeviceFunctions* functions_for(torch::Device device) {
  if (!device.is_cuda()) return nullptr;  // the only kind that the library is for
  static const DeviceFunctions* functions = open_functions();
  return functions;
}

}  // namespace unclip
