// How a camera was held, from EXIF (JEITA CP-3451: a TIFF header and a list of tags) or XMP, and the image
// turned upright. Read as Pillow reads it.
#pragma once

#include <optional>
#include <string_view>

#include "unclip/image.h"

namespace unclip {

// 1 … 8 as EXIF counts them, from a block with or without "Exif" before it; 1, upright, for a number that is
// none of them; nothing where the block holds no such tag or is damaged before it.
std::optional<int> exif_orientation(std::string_view block);

// The same from XMP; 1 where it does not tell.
int xmp_orientation(std::string_view xmp);

Image turned_upright(Image image, int orientation);

}  // namespace unclip
