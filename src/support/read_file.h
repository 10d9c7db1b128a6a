// Whole files that others wrote, read into memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "unclip/error.h"

namespace unclip {

// The bytes of a regular file of at most `most` bytes. Throws Error(code) in words of ours for one that is
// missing, unreadable or larger, and at once for a folder, a FIFO or a device: those are never read.
std::string read_whole_file(const std::filesystem::path& file, std::uint64_t most, ExitCode code);

// A descriptor for reading such a file, without waiting for a writer; the caller closes it. `size` gets its
// bytes.
int open_regular_file(const std::filesystem::path& file, ExitCode code, std::uint64_t& size);

// Whether there is something under the name; false, too, where that cannot be found out.
bool is_there(const std::filesystem::path& file);

}  // namespace unclip
