// The tensors of a checkpoint as a safetensors file, piece by piece: no more than one tensor is in memory,
// and that only where its elements do not lie side by side.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "convert/torch_file.h"

namespace unclip {

// Length and JSON, padded to a multiple of 8 bytes. The widest elements come first, so that each tensor
// begins at a multiple of its element's size.
std::string safetensors_header(const TorchFile& source);

// The whole file: header, then the tensors' bytes. Throws as ByteFile::stream().
void write_safetensors(const TorchFile& source, const std::function<void(std::span<const std::byte>)>& take);

}  // namespace unclip
