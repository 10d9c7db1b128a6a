// From the host to a device and back, without a wait.
#pragma once

#include <c10/core/Event.h>
#include <torch/types.h>

#include <memory>

namespace unclip {

// A copy of what the host made, for `device`; on the CPU `made` itself. Unlike a plain one it does not wait
// until the device has computed all that was asked of it before: where there is such memory, the device
// fetches it by itself while the host goes on.
torch::Tensor hand_over(const torch::Tensor& made, torch::Device device);

// What a device is computing, on its way to the host: the device copies it by itself when it is done, while
// the host asks it for more.
class Homeward {
 public:
  explicit Homeward(const torch::Tensor& made);  // on the CPU it is home at once

  bool is_home() const { return !arrival_ || arrival_->query(); }
  const torch::Tensor& wait() const;  // on the CPU

 private:
  torch::Tensor copy_;
  std::shared_ptr<c10::Event> arrival_;  // null on the CPU
};

}  // namespace unclip
