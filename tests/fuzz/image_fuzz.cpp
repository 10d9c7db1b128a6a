// libFuzzer: PNG, JPEG and WebP files, with EXIF, XMP and ICC profiles, any bytes or good files with some
// bytes changed. An image comes out whole, or Error(io).
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "image/good_files.h"
#include "image/image_file.h"
#include "unclip/error.h"

namespace {

constexpr std::uint64_t kMostPixels = 4'000'000;  // larger images take seconds under the sanitizers

}  // namespace

// The first byte chooses a good file, each three that follow a place in it and what is put there; or, where
// there is no such file, the bytes are the file.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const std::vector<std::string> files = unclip::testing_files::good_files("");
  if (size == 0) return 0;
  std::string file(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] < files.size()) {
    file = files[data[0]];
    for (std::size_t i = 1; i + 2 < size; i += 3)
      file[(data[i] << 8 | data[i + 1]) % file.size()] = static_cast<char>(data[i + 2]);
  }
  try {
    const unclip::Image image = unclip::decode_image(file, "fuzz", kMostPixels);
    const auto bytes = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) *
                       static_cast<std::size_t>(image.channels);
    if (bytes == 0 || image.pixels.size() != bytes) std::abort();
  } catch (const unclip::Error& error) {
    if (error.code != unclip::ExitCode::io) std::abort();
  }
  return 0;
}
