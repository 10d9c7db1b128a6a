// A checkpoint of torch.save, opened: where in the file each named tensor lies. Both layouts are read, the
// zip file of today and the row of pickles from before torch 1.6.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "convert/byte_file.h"
#include "convert/element_type.h"

namespace unclip {

struct StoredTensor {
  std::string name{};
  const ElementType* type = nullptr;
  std::vector<std::int64_t> shape{}, strides{};  // in elements
  std::uint64_t start = 0;                       // byte of the file where its first element lies
  std::uint64_t bytes = 0;                       // of all its elements, side by side
};

struct TorchFile {
  std::shared_ptr<ByteFile> file{};
  std::vector<StoredTensor> tensors{};  // in the order of the file; names differ
  std::vector<std::string> left_out{};  // what is no tensor, for people

  // Reads the pickle and checks all it says against the file, with the checksums of a zip file. The tensors
  // together have at most 16 times the file's bytes. Throws Error(model) that names what is refused.
  static TorchFile open(const std::filesystem::path& path);
};

}  // namespace unclip
