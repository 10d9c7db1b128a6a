// What the decoders of all kinds of file share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "image/exif.h"
#include "unclip/image.h"

namespace unclip {

// Throw Error(io), which calls the file `name`, also for more than `most` pixels.
Image decode_png(std::string_view bytes, const std::string& name, std::uint64_t most);
Image decode_jpeg(std::string_view bytes, const std::string& name, std::uint64_t most);
Image decode_webp(std::string_view bytes, const std::string& name, std::uint64_t most);

// Throws Error(io) for an image of more than `most` pixels.
void check_area(std::uint64_t width, std::uint64_t height, const std::string& name, std::uint64_t most);

// Of a regular file; throws Error(io).
std::string read_image_bytes(const std::filesystem::path& path);

}  // namespace unclip
