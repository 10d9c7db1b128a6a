// Asks the kernel, or torch's allocator (see the header).
#include "device/memory.h"

#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "device/control_group.h"
#include "device/team.h"

// Of tcmalloc's C interface, in programs that are linked with it.
extern "C" void MallocExtension_ReleaseFreeMemory() __attribute__((weak));

namespace unclip {
namespace {

// Memory that was freed goes back to the system, so that taking it again counts.
void give_back_freed_memory() {
  if (MallocExtension_ReleaseFreeMemory != nullptr)
    MallocExtension_ReleaseFreeMemory();
  else
    malloc_trim(0);
}

// "VmHWM:   123 kB" in /proc files
uint64_t kilobytes(const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key)) return std::stoull(line.substr(key.size())) * 1024;
  return 0;
}

// What a limit of the process (setrlimit(2)) leaves of it.
uint64_t left_of(__rlimit_resource resource, const char* used) {
  rlimit limit{};
  ::getrlimit(resource, &limit);
  return limit.rlim_cur == RLIM_INFINITY
             ? kNoLimit
             : limit.rlim_cur - std::min<uint64_t>(limit.rlim_cur, kilobytes("/proc/self/status", used));
}

uint64_t free_on_host() {
  return std::min({kilobytes("/proc/meminfo", "MemAvailable:"), free_in_control_groups("/"),
                   left_of(RLIMIT_AS, "VmSize:"), left_of(RLIMIT_DATA, "VmData:")});
}

MemoryUse measure_on_host(const std::function<void()>& work) {
  give_back_freed_memory();
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

void be_refused_rather_than_killed() {
  const uint64_t free = free_in_control_groups("/");
  if (free == kNoLimit) return;
  // The stacks of the threads that compute are counted in full, though hardly touched: they are made first.
  at::parallel_for(0, at::get_num_threads(), 1, [](int64_t, int64_t) {});
  dismiss_team();  // their stacks stay, for those of the thread that computes
  rlimit limit{};
  ::getrlimit(RLIMIT_DATA, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kilobytes("/proc/self/status", "VmData:") + free);
  ::setrlimit(RLIMIT_DATA, &limit);
}

}  // namespace unclip
