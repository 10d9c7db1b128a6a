// Pixel by pixel (see the header).
#include "image/difference.h"

#include <algorithm>
#include <cstdlib>

namespace unclip {

Difference difference(const Image& a, const Image& b) {
  Difference d;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const int apart = std::abs(a.pixels[i] - b.pixels[i]);
    d.largest = std::max(d.largest, apart);
    d.mean += apart;
  }
  d.mean /= static_cast<double>(std::max<std::size_t>(a.pixels.size(), 1));
  return d;
}

}  // namespace unclip
