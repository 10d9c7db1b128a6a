// A tensor that is made when it is first asked for, by whichever of several threads that is.
#pragma once

#include <torch/types.h>

#include <atomic>
#include <mutex>

namespace unclip {

class OnceTensor {
 public:
  // `make`: () → the tensor.
  template <class Make>
  const torch::Tensor& get(const Make& make) {
    if (!is_there_.load(std::memory_order_acquire)) {
      const std::lock_guard lock(mutex_);
      if (!is_there_.load(std::memory_order_relaxed)) {
        tensor_ = make();
        is_there_.store(true, std::memory_order_release);
      }
    }
    return tensor_;
  }

  explicit operator bool() const { return is_there_; }

  // While no thread asks for it.
  void reset() {
    tensor_.reset();
    is_there_ = false;
  }

 private:
  std::mutex mutex_;
  std::atomic<bool> is_there_ = false;
  torch::Tensor tensor_;
};

}  // namespace unclip
