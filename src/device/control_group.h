// The kernel's limits on groups of processes: containers, slices, jobs (cgroups(7), versions 1 and 2).
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>

namespace unclip {

constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

// Bytes that the groups of this process, its own and all around it, still let it have; kNoLimit where none of
// them sets a limit. `root` stands before every path that is read.
uint64_t free_in_control_groups(const std::filesystem::path& root);

}  // namespace unclip
