// Counts what nets compute, from the shapes that torch's operations see.
#pragma once

#include <cstdint>

namespace unclip {

// While one lives, the products and convolutions that any thread calls are counted: an addition and a
// multiplication each are two operations. Norms, activations and copies are not.
class FlopCount {
 public:
  FlopCount();
  ~FlopCount();
  FlopCount(const FlopCount&) = delete;
  FlopCount& operator=(const FlopCount&) = delete;

  // So far.
  static int64_t operations();

 private:
  uint64_t callback_;
};

}  // namespace unclip
