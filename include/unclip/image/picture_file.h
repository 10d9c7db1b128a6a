// A picture from a file of either kind that users have, told by its first bytes and not by its name.
#pragma once

#include <filesystem>

#include "unclip/image/image.h"

namespace unclip {

// A JPEG as RGB, turned upright as its EXIF block says. Read by libjpeg. Throws Error(io) as read_png does.
Image read_jpeg(const std::filesystem::path& path);

// A PNG or a JPEG. Throws Error(io) for what is missing, neither of both, too large, truncated or corrupt.
Image read_picture(const std::filesystem::path& path);

}  // namespace unclip
