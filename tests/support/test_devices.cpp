// Devices by name (see the header).
#include "support/test_devices.h"

#include "device/device.h"
#include "unclip/error.h"

namespace unclip {
namespace {

std::optional<torch::Device> find_cuda() {
  try {
    return select_device({.kind = DeviceChoice::Kind::cuda}, DtypeChoice::f32).device;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<torch::Device> find_device(const std::string& name) {
  if (name == kSimulated) return simulated::device();
  static const std::optional<torch::Device> cuda =
      find_cuda();  // opened once, before torch is asked for more
  return cuda;
}

}  // namespace unclip
