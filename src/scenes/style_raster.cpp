// Raster operations of the styles: noise, pixels as numbers, blur. All lengths are parts of the image's
// side.
#include <algorithm>
#include <cmath>

#include "style.h"

namespace unclip {
namespace {

double at_corner(uint64_t seed, int x, int y) {
  uint64_t h = seed ^ (static_cast<uint64_t>(static_cast<uint32_t>(x)) << 32 | static_cast<uint32_t>(y));
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
  return static_cast<double>((h ^ (h >> 33)) >> 11) * 0x1.0p-53;
}

uint32_t byte(double value) { return static_cast<uint32_t>(std::clamp(value, 0.0, 1.0) * 255 + 0.5); }

// A running mean over 2 · radius + 1 pixels that start at `from` and lie `step` apart; edges are repeated.
void box(const Rgb* from, Rgb* to, int count, int step, int radius) {
  const auto get = [&](int i) { return from[std::clamp(i, 0, count - 1) * step]; };
  Rgb sum;
  const auto add = [&sum](Rgb c, double sign) {
    sum = {sum.r + sign * c.r, sum.g + sign * c.g, sum.b + sign * c.b};
  };
  for (int i = -radius; i < radius; ++i) add(get(i), 1);
  const double share = 1.0 / (2 * radius + 1);
  for (int i = 0; i < count; ++i) {
    add(get(i + radius), 1);
    to[i * step] = {sum.r * share, sum.g * share, sum.b * share};
    add(get(i - radius), -1);
  }
}

}  // namespace

double noise(uint64_t seed, double x, double y, double cells) {
  x *= cells, y *= cells;
  const double left = std::floor(x), top = std::floor(y);
  const int i = static_cast<int>(left), j = static_cast<int>(top);
  const auto smooth = [](double t) { return t * t * (3 - 2 * t); };
  const double u = smooth(x - left), v = smooth(y - top);
  const double upper = std::lerp(at_corner(seed, i, j), at_corner(seed, i + 1, j), u);
  return std::lerp(upper, std::lerp(at_corner(seed, i, j + 1), at_corner(seed, i + 1, j + 1), u), v);
}

std::vector<Rgb> read(Canvas& canvas) {
  const uint32_t* pixels = canvas.pixels();
  std::vector<Rgb> image(static_cast<size_t>(canvas.size() * canvas.size()));
  for (size_t i = 0; i < image.size(); ++i) image[i] = hex(static_cast<int>(pixels[i] & 0xffffff));
  return image;
}

void write(Canvas& canvas, const std::vector<Rgb>& image) {
  uint32_t* pixels = canvas.pixels();
  for (size_t i = 0; i < image.size(); ++i) {
    pixels[i] = byte(image[i].r) << 16 | byte(image[i].g) << 8 | byte(image[i].b);
  }
}

std::vector<Rgb> blurred(const std::vector<Rgb>& image, int size, double sigma) {
  std::vector<Rgb> to = image, between = image;
  // Two boxes a way have the deviation √(2 ((2r + 1)² − 1) / 12).
  const int radius = static_cast<int>(std::lround((std::sqrt(6 * sigma * size * sigma * size + 1) - 1) / 2));
  for (int pass = 0; pass < 2; ++pass) {
    for (int y = 0; y < size; ++y)
      box(&to[static_cast<size_t>(y * size)], &between[static_cast<size_t>(y * size)], size, 1, radius);
    for (int x = 0; x < size; ++x)
      box(&between[static_cast<size_t>(x)], &to[static_cast<size_t>(x)], size, size, radius);
  }
  return to;
}

}  // namespace unclip
