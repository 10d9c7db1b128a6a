// What the files of the simulated accelerator share.
#pragma once

#include <ATen/core/Generator.h>
#include <c10/core/Allocator.h>

#include <atomic>
#include <cstdint>
#include <functional>

namespace unclip::simulated {

inline constexpr c10::DeviceType kType = c10::DeviceType::PrivateUse1;

// Of the current device; its memory lies at addresses that no processor takes.
c10::Allocator& device_memory();

// The true address behind one of a device.
void* on_host(const void* device);

// The generator that draws for one of a device.
const at::Generator& host_generator(const at::Generator& of_device);

// See Traffic.
struct Counters {
  std::atomic<int64_t> in = 0, out = 0, reads = 0;
};
Counters& counters();

// Copies home that nobody waits for are made when somebody does.
void copy_later(std::function<void()> copy);
bool copies_are_made();
void make_copies();

}  // namespace unclip::simulated
