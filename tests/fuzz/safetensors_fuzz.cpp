// Any bytes must be refused by Error(model) or give tensors that lie within them, one after the other.
#include <cstdlib>

#include "checkpoint/safetensors.h"
#include "unclip/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto header = unclip::parse_header({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    size_t position = header.data_start;
    for (const auto& tensor : header.tensors) {
      uint64_t bits = unclip::bits_of(tensor.dtype);  // wraps only where a size is 0, and then becomes 0
      for (const int64_t extent : tensor.shape) bits *= static_cast<uint64_t>(extent);
      if (header.data_start + tensor.begin != position || bits != tensor.bytes() * 8) std::abort();
      position = header.data_start + tensor.end;
    }
    if (position != size) std::abort();
  } catch (const unclip::Error& error) {
    if (error.code != unclip::ExitCode::model) std::abort();
  }
  return 0;
}
