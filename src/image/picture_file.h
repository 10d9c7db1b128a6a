// A picture from a file of either kind that users have, told by its first bytes and not by its name.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "unclip/image.h"

namespace unclip {

// A PNG or a JPEG, turned upright as its EXIF or XMP says. What Pillow opens is opened, with the same pixels
// once it is RGB, damage that does not reach the pixels included. Throws Error(io) for what is missing, no
// regular file, neither of both, larger than 100 megapixels, truncated or corrupt.
Image read_picture(const std::filesystem::path& path);

// The same from a file's bytes; errors call it `name`.
Image decode_picture(std::string_view bytes, const std::string& name);

}  // namespace unclip
