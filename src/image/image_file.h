// An image from a file of the kinds that users have, told by its first bytes and not by its name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "unclip/image.h"

namespace unclip {

// A PNG, a JPEG or a WebP with one frame as RGB or, where the file has transparency, RGBA (alpha_plane() of
// image/resize.h): turned upright as its EXIF or XMP says, in sRGB where it has an ICC profile for its
// colors. What Pillow opens is opened, with the same pixels once it is RGB, damage that does not reach the
// pixels included; but samples of 16 bits are rounded to 8, where Pillow cuts them. Throws Error(io) for what
// is missing, no regular file, none of these, larger than 100 megapixels, animated WebP, truncated or
// corrupt.
Image read_image(const std::filesystem::path& path);

inline constexpr std::uint64_t kMostPixels = 100'000'000;  // a bomb is refused before memory is asked for

// The same from a file's bytes; errors call it `name`. `most`: pixels.
Image decode_image(std::string_view bytes, const std::string& name, std::uint64_t most = kMostPixels);

}  // namespace unclip
