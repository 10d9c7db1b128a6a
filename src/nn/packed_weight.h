// A weight in another layout, made at a layer's first call, whichever of several threads that is.
#pragma once

#include <torch/torch.h>

#include <atomic>
#include <mutex>

namespace unclip {

class PackedWeight {
 public:
  // `pack`: () → the weight.
  template <class Pack>
  const torch::Tensor& get(const Pack& pack) {
    if (!is_there_.load(std::memory_order_acquire)) {
      const std::lock_guard lock(mutex_);
      if (!is_there_.load(std::memory_order_relaxed)) {
        weight_ = pack();
        is_there_.store(true, std::memory_order_release);
      }
    }
    return weight_;
  }

  explicit operator bool() const { return is_there_; }

  // While no thread calls the layer.
  void reset() {
    weight_.reset();
    is_there_ = false;
  }

 private:
  std::mutex mutex_;
  std::atomic<bool> is_there_ = false;
  torch::Tensor weight_;
};

}  // namespace unclip
