// Pinned memory, where there is any (see the header).
#include "hand_over.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/types.h>

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

Homeward::Homeward(const torch::Tensor& made) : copy_(made) {
  if (made.is_cpu()) return;
  copy_ = at::empty(made.sizes(), made.options().device(torch::kCPU).pinned_memory(can_pin()));
  copy_.copy_(made, /*non_blocking=*/true);
  arrival_ = std::make_shared<c10::Event>(made.device().type());
  arrival_->record(c10::impl::VirtualGuardImpl(made.device().type()).getStream(made.device()));
}

const torch::Tensor& Homeward::wait() const {
  if (arrival_) arrival_->synchronize();
  return copy_;
}

}  // namespace unclip
