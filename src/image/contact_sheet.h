// Many images on one: C columns and R rows of cells, each an image with its caption below. Text is drawn
// by cairo in the font that fontconfig gives; Debian's fontconfig brings DejaVu, so nothing is fetched or
// bundled.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "unclip/image.h"

namespace unclip {

struct Grid {
  int columns = 4;  // ≥ 1
  int rows = 4;     // ≥ 1

  std::size_t cells() const { return static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows); }
};

struct CaptionedImage {
  Image image;          // RGB, or empty (width 0): the cell shows its caption alone
  std::string caption;  // UTF-8
};

// Draws up to columns × rows images in reading order, each at its own size in the middle of its cell; cells
// that are left stay white, rows that would be empty are left out. A caption takes up to two lines; what does
// not fit ends in "…". Throws Error(usage) for a sheet that is larger than cairo can draw.
Image contact_sheet(std::span<const CaptionedImage> images, const Grid& grid);

}  // namespace unclip
