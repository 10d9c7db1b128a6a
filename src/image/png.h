// Image ↔ PNG, with the text chunks that carry metadata.
// Written by stb_image_write; read by libpng, which is built for files that one cannot trust.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "unclip/image.h"

namespace unclip {

// One text chunk. `keyword`: 1–79 ASCII characters. `text`: UTF-8 without NUL.
struct PngTextChunk {
  std::string keyword;
  std::string text;
};
using PngText = std::vector<PngTextChunk>;

// A whole PNG file. Text goes before the pixels: tEXt where it is ASCII, else iTXt.
std::vector<std::byte> encode_png(const Image& image, const PngText& text = {});

// The image as RGB or, where the file has transparency, RGBA, 8 bits; every PNG kind is accepted (gray,
// palette, 16 bits, interlaced); 16 bits are rounded to 8, color profiles are left alone. The readers take up
// to 100 megapixels and throw Error(io) for what is missing, no regular file, no PNG, too large, truncated or
// corrupt anywhere.
Image read_png(const std::filesystem::path& path);

// All text chunks in file order, as UTF-8 (up to 64, 4 MiB each); the whole file is checked on the way.
PngText read_png_text(const std::filesystem::path& path);

}  // namespace unclip
