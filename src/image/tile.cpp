// Rows of pixels, copied to their cells.
#include "image/tile.h"

#include <algorithm>

namespace unclip {

Image tile(std::span<const Image> images, std::size_t columns, std::size_t margin) {
  const auto width = static_cast<std::size_t>(images.front().width),
             height = static_cast<std::size_t>(images.front().height);
  const std::size_t cell_width = width + 2 * margin, cell_height = height + 2 * margin;
  const std::size_t rows = (images.size() + columns - 1) / columns, stride = columns * cell_width * 3;
  Image sheet{static_cast<int>(columns * cell_width), static_cast<int>(rows * cell_height), 3, {}};
  sheet.pixels.assign(stride * rows * cell_height, 255);
  for (std::size_t i = 0; i < images.size(); ++i)
    for (std::size_t y = 0; y < height; ++y) {
      const std::size_t top = i / columns * cell_height + margin, left = i % columns * cell_width + margin;
      std::copy_n(images[i].pixels.data() + y * width * 3, width * 3,
                  sheet.pixels.data() + (top + y) * stride + left * 3);
    }
  return sheet;
}

}  // namespace unclip
