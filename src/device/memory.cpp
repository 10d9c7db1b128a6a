// Asks the kernel, or torch's allocator (see the header).
#include "unclip/device/memory.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <malloc.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace unclip {
namespace {

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

// "VmHWM:   123 kB" in /proc files
uint64_t kilobytes(const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key)) return std::stoull(line.substr(key.size())) * 1024;
  return 0;
}

// Of the control group (version 2): "max" is no number.
uint64_t group_limit(const char* name) {
  std::ifstream in(std::string("/sys/fs/cgroup/") + name);
  uint64_t bytes = 0;
  return in >> bytes ? bytes : kUnlimited;
}

uint64_t free_on_host() {
  const uint64_t limit = group_limit("memory.max"), used = group_limit("memory.current");
  const uint64_t available = kilobytes("/proc/meminfo", "MemAvailable:");
  return limit == kUnlimited || used == kUnlimited ? available
                                                   : std::min(available, limit - std::min(used, limit));
}

MemoryUse measure_on_host(const std::function<void()>& work) {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << 5;  // resets VmHWM (proc(5))
  const uint64_t before = kilobytes("/proc/self/status", "VmRSS:");
  const MemoryUse use{0, free_on_host()};
  work();
  const uint64_t peak = kilobytes("/proc/self/status", "VmHWM:");
  return {peak - std::min(peak, before), use.free};
}

MemoryUse measure_on_gpu(torch::Device device, const std::function<void()>& work) {
  c10::DeviceAllocator& allocator = *c10::getDeviceAllocator(device.type());
  constexpr auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto index = std::max<c10::DeviceIndex>(device.index(), 0);
  allocator.emptyCache();
  allocator.resetPeakStats(index);
  const auto before = static_cast<uint64_t>(allocator.getDeviceStats(index).reserved_bytes[all].current);
  const uint64_t free = allocator.getMemoryInfo(index).first;
  work();
  const auto peak = static_cast<uint64_t>(allocator.getDeviceStats(index).reserved_bytes[all].peak);
  return {peak - std::min(peak, before), free};
}

}  // namespace

MemoryUse measure_memory(torch::Device device, const std::function<void()>& work) {
  return device.is_cpu() ? measure_on_host(work) : measure_on_gpu(device, work);
}

}  // namespace unclip
