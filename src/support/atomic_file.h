// Files that appear whole or not at all: temporary file in the same folder, flushed, renamed.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

namespace unclip {

// What a killed process left of its temporary files, in the folder alone. The files of living ones, also of
// other machines, are locked and stay. The writers below do so once a process in each folder that they write
// to.
void remove_leftovers(const std::filesystem::path& folder);

enum class Overwrite { no, yes };

// Writes `bytes` to `path`; missing folders on the way are made. With Overwrite::no an existing file is never
// touched, even when several processes race for the name: one wins, the others get the error. A file that is
// replaced gives the new one its mode.
// Throws Error(io) that names the path, the reason (exists, disk full, quota, permission, read-only,
// `ulimit -f`) and the next step; no temporary file (`*.unclip-tmp`) stays behind.
// The program must ignore SIGXFSZ (install_interrupt_handlers does), or `ulimit -f` kills it.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes,
                           Overwrite overwrite);

// The same for a file whose pieces lie apart in memory: weights are not copied side by side first.
void write_file_atomically(const std::filesystem::path& path,
                           const std::vector<std::span<const std::byte>>& pieces, Overwrite overwrite);

// The same for what need not fit into memory: `produce` hands over one piece after the other. What it throws
// ends the writing; the file does not appear then.
using TakePiece = std::function<void(std::span<const std::byte>)>;
void write_file_atomically(const std::filesystem::path& path,
                           const std::function<void(const TakePiece&)>& produce, Overwrite overwrite);

}  // namespace unclip
