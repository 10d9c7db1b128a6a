// How much memory a computation takes, and how much there is: what --batch-size auto goes by.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>

namespace unclip {

struct MemoryUse {
  uint64_t peak = 0;  // bytes that were in use at once while it ran, beyond those before it
  uint64_t free = 0;  // bytes that could still be had before it ran
};

// Runs `work` and measures it. On the CPU: the kernel's account of this process, within its control groups
// and limits; on a GPU: torch's allocator.
MemoryUse measure_memory(torch::Device device, const std::function<void()>& work);

// Where control groups limit this process, limits it to what they have left, so that it is told that memory
// ran out (std::bad_alloc) and not ended without a word. For work on the CPU.
void be_refused_rather_than_killed();

}  // namespace unclip
