// The chunks that a PNG is made of: walked before a decoder sees the file, and written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unclip {

constexpr std::size_t kSignatureBytes = 8;  // before the first chunk

struct PngChunks {
  std::size_t pixel_bytes = 0;  // of all IDAT chunks, as far as the file holds them
  bool is_whole = false;        // every chunk lies in the file, up to IEND
  std::size_t end = 0;          // of the last chunk that does, or of the file within pixels
  int orientation = 1;          // from eXIf, "Raw profile type exif" or XMP: what exif_orientation() tells
};

// `file` begins with the signature.
PngChunks scan_png(std::string_view file);

// With its length and checksum.
std::string png_chunk(const std::string& type, const std::string& data);

// Where the IDAT chunks of a file of ours lie, one behind the other, and what they hold.
struct PngPixels {
  std::size_t begin = 0, end = 0;
  std::string packed;
};

PngPixels find_pixels(std::string_view file);

}  // namespace unclip
