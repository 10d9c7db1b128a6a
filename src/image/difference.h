// How far two images are apart: for golden tests.
#pragma once

#include "unclip/image.h"

namespace unclip {

struct Difference {
  int largest = 0;  // of a color value, 0 … 255
  double mean = 0;  // over all color values
};

// Both of the same size and channels.
Difference difference(const Image& a, const Image& b);

// Peak signal-to-noise ratio in dB; 100 where nothing differs.
double psnr(const Image& a, const Image& b);

}  // namespace unclip
