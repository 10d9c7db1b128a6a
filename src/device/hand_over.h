// From the host to a device, without a wait.
#pragma once

#include <torch/types.h>

namespace unclip {

// A copy of what the host made, for `device`; on the CPU `made` itself. Unlike a plain one it does not wait
// until the device has computed all that was asked of it before: where there is such memory, the device
// fetches it by itself while the host goes on.
torch::Tensor hand_over(const torch::Tensor& made, torch::Device device);

}  // namespace unclip
