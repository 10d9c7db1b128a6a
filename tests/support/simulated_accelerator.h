// An accelerator that every machine has, for tests: torch's back end PrivateUse1 under the name "simulated",
// two devices, memory on the host that the host cannot read by its addresses, and kernels that are the CPU's.
// What would fail on a GPU fails here: an operation on tensors of two devices, CPU code that reads a device's
// memory, a generator of another device. It counts what crosses the bus.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>

namespace unclip::simulated {

// The second device, which is never the current one: a tensor made on "the" device is on the other. The first
// call makes the accelerator known to torch.
torch::Device device();

// Copies between host and device, and numbers that the host waits for: item(), equal(), nonzero().
struct Traffic {
  int64_t in = 0, out = 0, reads = 0;
};
Traffic traffic_of(const std::function<void()>& work);

// While this lives, the devices have so many bytes more than are in use; at other times 1 GiB in all. Beyond
// it, c10::OutOfMemoryError.
class MemoryLimit {
 public:
  explicit MemoryLimit(int64_t bytes);
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  int64_t usual_;
};

}  // namespace unclip::simulated
