// The choice between the kinds of file, and what limits them all.
#include "image/image_file.h"

#include <spdlog/fmt/fmt.h>

#include "decoders.h"
#include "support/read_file.h"

namespace unclip {
namespace {

constexpr std::uint64_t kMostBytes = 1U << 29;  // 5 bytes a pixel

}  // namespace

void check_area(std::uint64_t width, std::uint64_t height, const std::string& name, std::uint64_t most) {
  if (width * height > most)
    throw Error(ExitCode::io,
                fmt::format("{}: has {} x {} pixels, expected at most {} megapixels", name, width, height,
                            most / 1'000'000),
                "scale the image down");
}

std::string read_image_bytes(const std::filesystem::path& path) {
  return read_whole_file(path, kMostBytes, ExitCode::io);
}

Image decode_image(std::string_view bytes, const std::string& name, std::uint64_t most) {
  if (bytes.starts_with("\xFF\xD8\xFF")) return decode_jpeg(bytes, name, most);
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP"))
    return decode_webp(bytes, name, most);
  if (!bytes.empty() && !bytes.starts_with("\x89PNG"))
    throw Error(ExitCode::io, name + ": not an image, expected a PNG, JPEG or WebP file",
                "convert it to PNG");
  return decode_png(bytes, name, most);
}

Image read_image(const std::filesystem::path& path) {
  return decode_image(read_image_bytes(path), path.string());
}

}  // namespace unclip
