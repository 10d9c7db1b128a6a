// How a camera was held, from a JPEG's EXIF block (JEITA CP-3451: a TIFF header and a list of tags), and the
// picture turned upright.
#pragma once

#include <cstdint>
#include <span>

#include "unclip/image/image.h"

namespace unclip {

// 1 … 8 as EXIF counts them; 1, upright, for a block (from "Exif" on) that tells none or is damaged.
int exif_orientation(std::span<const std::uint8_t> block);

Image turned_upright(Image image, int orientation);

}  // namespace unclip
