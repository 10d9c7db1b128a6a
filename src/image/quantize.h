// The 256 colors that stand best for those of an image: for GIF.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "unclip/image.h"

namespace unclip {

struct Quantized {
  std::vector<std::array<std::uint8_t, 3>> colors;  // 1 … 256
  std::vector<std::uint8_t> pixels;                 // [height, width], each a number of `colors`
};

// Of an RGB image; one of up to 256 colors keeps them. No dithering: noise that changes from frame to frame
// would flicker.
Quantized quantized(const Image& image);

}  // namespace unclip
