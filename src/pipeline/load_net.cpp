// One net at a time.
#include "load_net.h"

namespace unclip {

void NetMemory::enter(const std::shared_ptr<torch::nn::Module>& net, const std::function<void()>& load) {
  if (in_memory_ == net) return;
  if (in_memory_) give_up_weights(*std::exchange(in_memory_, nullptr));
  load();
  in_memory_ = net;
}

}  // namespace unclip
