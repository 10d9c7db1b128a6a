// Lists of free blocks by size (see the header).
#include "train/kept_memory.h"

#include <c10/core/CPUAllocator.h>
#include <malloc.h>
#include <sys/mman.h>

#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

namespace unclip {
namespace {

constexpr size_t kAlignment = 64;  // of oneDNN's vectors
constexpr size_t kHugePage = size_t{2} << 20;

// Sizes are rounded up to an eighth of the power of two below them, so that batches of other lengths of text
// find blocks too: eight classes an octave, `number` counts them.
struct SizeClass {
  size_t number, bytes;
};

SizeClass class_of(size_t bytes) {
  bytes = std::max(bytes, 8 * kAlignment);
  const auto octave = static_cast<size_t>(std::bit_width(bytes - 1) - 1);
  const size_t step = size_t{1} << (octave - 3);
  const size_t rounded = (bytes + step - 1) / step * step;
  return {octave * 8 + (rounded >> (octave - 3)) - 8, rounded};
}

class KeptMemory final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* block = bytes == 0 ? nullptr : take(class_of(bytes));
    return {block, block, &give_back, torch_device()};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  static KeptMemory& get() {
    static auto* memory = new KeptMemory;  // outlives every tensor
    return *memory;
  }

 private:
  static c10::Device torch_device() { return c10::Device(c10::DeviceType::CPU); }

  // Before each block stands the number of its class.
  static size_t& header(void* block) {
    return *reinterpret_cast<size_t*>(static_cast<std::byte*>(block) - kAlignment);
  }

  void* take(const SizeClass& size) {
    {
      const std::lock_guard lock(mutex_);
      std::vector<void*>& free = free_.at(size.number);
      if (!free.empty()) {
        void* block = free.back();
        free.pop_back();
        return block;
      }
    }
    const bool large = size.bytes >= kHugePage;
    void* start = nullptr;
    if (posix_memalign(&start, large ? kHugePage : kAlignment, size.bytes + kAlignment) != 0)
      throw std::bad_alloc();
    if (large) madvise(start, size.bytes, MADV_HUGEPAGE);
    void* block = static_cast<std::byte*>(start) + kAlignment;
    header(block) = size.number;
    return block;
  }

  static void give_back(void* block) {
    if (block == nullptr) return;
    KeptMemory& memory = get();
    const std::lock_guard lock(memory.mutex_);
    memory.free_.at(header(block)).push_back(block);
  }

  std::mutex mutex_;
  std::vector<std::vector<void*>> free_ = std::vector<std::vector<void*>>(64 * 8);  // by class
};

}  // namespace

void keep_freed_memory() {
  // For what is no tensor, such as the CPU library's own buffers: one heap for all threads, that never
  // shrinks.
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  c10::SetCPUAllocator(&KeptMemory::get(), /*priority=*/1);
}

}  // namespace unclip
