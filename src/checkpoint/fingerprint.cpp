// Names weights by a sample of their bytes: a whole 7 GB model would take seconds to hash at every start.
#include "checkpoint/fingerprint.h"

#include <fstream>
#include <vector>

#include "support/sha256.h"

namespace unclip {

std::string weight_fingerprint(const Component& component) {
  constexpr uintmax_t kBlocks = 256, kBlockSize = 4096;
  Sha256 digest;
  std::vector<char> block(kBlockSize);
  for (const auto& file : weight_files(component)) {
    const uintmax_t size = std::filesystem::file_size(file);
    const std::string length = std::to_string(size) + "\n";
    digest.update(std::as_bytes(std::span(length)));
    std::ifstream in(file, std::ios::binary);
    const uintmax_t spread = size > kBlockSize ? size - kBlockSize : 0;
    for (uintmax_t i = 0; i < kBlocks; ++i) {
      in.seekg(static_cast<std::streamoff>(spread / (kBlocks - 1) * i));
      in.read(block.data(), static_cast<std::streamsize>(std::min(kBlockSize, size)));
      digest.update(std::as_bytes(std::span(block.data(), static_cast<size_t>(in.gcount()))));
      in.clear();
    }
  }
  return digest.hex().substr(0, 16);
}

}  // namespace unclip
