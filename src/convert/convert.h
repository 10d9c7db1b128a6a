// A model folder with torch's checkpoints, or one checkpoint, as safetensors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "support/atomic_file.h"

namespace unclip {

struct ConvertRequest {
  std::filesystem::path input;   // folder or checkpoint
  std::filesystem::path output;  // folder or file, after the input
  Overwrite overwrite = Overwrite::no;
};

struct ConvertedFile {
  std::filesystem::path path;
  std::string sha256{};                  // 64 hex digits
  std::uint64_t bytes = 0;               // of the file
  std::optional<std::size_t> tensors{};  // of a checkpoint; empty for a file that was copied
};

struct ConvertObserver {
  std::function<void(const ConvertedFile&)> written;
  std::function<void(const std::string&)> left_out;  // "FILE: why"
  // Before each file, with its bytes, and after each piece of it, with that piece's.
  std::function<void(const std::filesystem::path& file, std::uint64_t bytes)> begun;
  std::function<void(std::uint64_t bytes)> progressed;
};

// Of a folder: pytorch_model*.bin and diffusion_pytorch_model*.bin become .safetensors under the names that
// transformers and diffusers look for, their indexes follow, and all else is copied, but other pickles,
// hidden files, and what is neither file nor folder. Links are followed to files only. Every checkpoint is
// read and checked before the first file is written, and each file appears whole or not at all. Throws Error:
// model (a checkpoint is refused; there is none), io (the output exists, or cannot be written), usage (the
// output lies in the input), interrupted, terminated.
void convert_checkpoints(const ConvertRequest& request, const ConvertObserver& observer);

}  // namespace unclip
