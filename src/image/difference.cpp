// Pixel by pixel (see the header).
#include "image/difference.h"

#include <algorithm>
#include <cmath>
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

double psnr(const Image& a, const Image& b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const int apart = a.pixels[i] - b.pixels[i];
    squares += apart * apart;
  }
  const double mean = squares / static_cast<double>(a.pixels.size());
  return mean > 0 ? 10 * std::log10(255.0 * 255.0 / mean) : 100;
}

}  // namespace unclip
