// An image as bytes: what the pipeline gives to the PNG writer and gets from the PNG reader.
#pragma once

#include <cstdint>
#include <vector>

namespace unclip {

struct Image {
  int width = 0;
  int height = 0;
  int channels = 3;                  // 1 gray, 3 RGB, 4 RGB and straight alpha
  std::vector<std::uint8_t> pixels;  // [height, width, channels], rows from top to bottom, sRGB
};

}  // namespace unclip
