// Pinned memory, where there is any (see the header).
#include "hand_over.h"

#include <torch/torch.h>

namespace unclip {
namespace {

// Not every accelerator has memory of the host that it reads by itself.
bool can_pin() {
  static const bool can = [] {
    try {
      torch::empty({1}, torch::dtype(torch::kFloat32).pinned_memory(true));
      return true;
    } catch (const c10::Error&) {
      return false;
    }
  }();
  return can;
}

}  // namespace

torch::Tensor hand_over(const torch::Tensor& made, torch::Device device) {
  if (device.is_cpu()) return made;
  const torch::Tensor whole = made.contiguous();
  return (can_pin() ? whole.pin_memory() : whole).to(device, /*non_blocking=*/true);
}

}  // namespace unclip
