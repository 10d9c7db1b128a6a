// Device, memory and generators of the simulated accelerator (see the header).
#include "support/simulated_accelerator.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/types.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "support/simulated_parts.h"

namespace unclip::simulated {
namespace {

using c10::Device;
using c10::DeviceIndex;
using c10::DeviceType;

constexpr DeviceIndex kDevices = 2;
thread_local DeviceIndex current_device = 0;

// ---- Memory: at addresses that no processor takes, so that host code which follows one ends with a signal.

constexpr uintptr_t kDeviceAddress = uintptr_t{1} << 62;
constexpr size_t kAlignment = 64;

void* on_device(void* host) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(host) | kDeviceAddress);
}

class Memory final : public c10::DeviceAllocator {
 public:
  std::atomic<int64_t> limit = int64_t{1} << 30, used = 0, peak = 0;

  c10::DataPtr allocate(size_t bytes) override {
    const Device device(kType, current_device);
    if (bytes == 0) return {nullptr, nullptr, &release, device};
    const auto size = static_cast<int64_t>(bytes);
    const int64_t now = used += size;
    if (now > limit) {
      used -= size;
      TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory: a simulated one");
    }
    for (int64_t most = peak; most < now && !peak.compare_exchange_weak(most, now);) continue;
    auto* block = static_cast<std::byte*>(std::aligned_alloc(kAlignment, padded(bytes) + kAlignment));
    if (block == nullptr) throw std::bad_alloc();
    *reinterpret_cast<size_t*>(block) = bytes;
    void* data = on_device(block + kAlignment);
    return {data, data, &release, device};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(on_host(to), on_host(from), bytes);
  }

  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  void resetAccumulatedStats(DeviceIndex) override {}
  void resetPeakStats(DeviceIndex) override { peak = used.load(); }
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(DeviceIndex) override {
    c10::CachingDeviceAllocator::DeviceStats stats;
    auto& all = stats.reserved_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)];
    all.current = used;
    all.peak = peak;
    return stats;
  }
  std::pair<size_t, size_t> getMemoryInfo(DeviceIndex) override {
    return {static_cast<size_t>(limit - used), static_cast<size_t>(limit)};
  }

 private:
  static size_t padded(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
  static void release(void* data);
};

Memory& memory() {
  static auto* memory = new Memory;  // outlives every tensor
  return *memory;
}

void Memory::release(void* data) {
  if (data == nullptr) return;
  auto* block = static_cast<std::byte*>(on_host(data)) - kAlignment;
  memory().used -= static_cast<int64_t>(*reinterpret_cast<size_t*>(block));
  std::free(block);
}

// ---- What torch asks of a device

class Guard final : public c10::impl::DeviceGuardImplInterface {
 public:
  DeviceType type() const override { return kType; }
  Device exchangeDevice(Device device) const override {
    const Device before = getDevice();
    setDevice(device);
    return before;
  }
  Device getDevice() const override { return {kType, current_device}; }
  void setDevice(Device device) const override {
    TORCH_CHECK(device.index() < kDevices, "no such device: ", device);
    uncheckedSetDevice(device);
  }
  void uncheckedSetDevice(Device device) const noexcept override {
    if (device.has_index()) current_device = device.index();
  }
  c10::Stream getStream(Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream getDefaultStream(Device device) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return getStream(stream.device()); }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override { make_copies(); }
  void synchronizeDevice(DeviceIndex) const override { make_copies(); }
  void record(void** event, const c10::Stream&, DeviceIndex, c10::EventFlag) const override {
    *event = const_cast<Guard*>(this);  // any address: an event is all that was asked for so far
  }
  bool queryEvent(void*) const override { return copies_are_made(); }
  void synchronizeEvent(void*) const override { make_copies(); }
  void destroyEvent(void*, DeviceIndex) const noexcept override {}
  DeviceIndex deviceCount() const noexcept override { return kDevices; }
};
// Before a backward pass, which starts a thread for each device that is known then.
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

// The host's generator, of the device's own type.
struct DeviceGenerator final : c10::GeneratorImpl {
  explicit DeviceGenerator(DeviceIndex index)
      : GeneratorImpl({kType, index}, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1)) {}

  void set_current_seed(uint64_t seed) override { host.set_current_seed(seed); }
  void set_offset(uint64_t offset) override { host.set_offset(offset); }
  uint64_t get_offset() const override { return host.get_offset(); }
  uint64_t current_seed() const override { return host.current_seed(); }
  uint64_t seed() override { return host.seed(); }
  void set_state(const c10::TensorImpl&) override { TORCH_CHECK(false, "not simulated"); }
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override { TORCH_CHECK(false, "not simulated"); }
  GeneratorImpl* clone_impl() const override { TORCH_CHECK(false, "not simulated"); }

  at::Generator host = at::make_generator<at::CPUGeneratorImpl>();
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex deviceCount() const override { return kDevices; }
  DeviceIndex getCurrentDevice() const override { return current_device; }
  const at::Generator& getDefaultGenerator(DeviceIndex index) const override {
    static const std::array<at::Generator, kDevices> generators{at::make_generator<DeviceGenerator>(0),
                                                                at::make_generator<DeviceGenerator>(1)};
    return generators.at(static_cast<size_t>(index < 0 ? current_device : index));
  }
};

}  // namespace

void* on_host(const void* device) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(device) & ~kDeviceAddress);
}

c10::Allocator& device_memory() { return memory(); }

const at::Generator& host_generator(const at::Generator& of_device) {
  return of_device.get<DeviceGenerator>()->host;
}

namespace {
std::mutex of_copies;
std::vector<std::function<void()>> copies;
}  // namespace

void copy_later(std::function<void()> copy) {
  const std::lock_guard lock(of_copies);
  copies.push_back(std::move(copy));
}

bool copies_are_made() {
  const std::lock_guard lock(of_copies);
  return copies.empty();
}

void make_copies() {
  const std::lock_guard lock(of_copies);
  for (const auto& copy : std::exchange(copies, {})) copy();
}

Counters& counters() {
  static Counters counters;
  return counters;
}

torch::Device device() {
  static std::once_flag once;
  std::call_once(once, [] {
    c10::register_privateuse1_backend("simulated");
    c10::SetAllocator(kType, &memory());
    at::RegisterPrivateUse1HooksInterface(new Hooks);
  });
  return {kType, 1};
}

Traffic traffic_of(const std::function<void()>& work) {
  const Counters& now = counters();
  const Traffic before{now.in, now.out, now.reads};
  work();
  return {now.in - before.in, now.out - before.out, now.reads - before.reads};
}

MemoryLimit::MemoryLimit(int64_t bytes) : usual_(memory().limit) { memory().limit = memory().used + bytes; }
MemoryLimit::~MemoryLimit() { memory().limit = usual_; }

}  // namespace unclip::simulated
