// The picture at the size that is judged, colours by name, and the plane of the background (see segment.h).
#include <algorithm>
#include <cmath>

#include "unclip/scenes/segment.h"

namespace unclip {
namespace {

using Places = std::vector<int>;  // indices of pixels

bool on_border(int at) {
  const int x = at % judged, y = at / judged;
  return std::min(x, y) < 2 || std::max(x, y) >= judged - 2;
}

// The plane a + b·x + c·y of each channel through `places`, by least squares.
std::vector<Pixel> plane_through(const Picture& picture, const Places& places) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
  std::array<std::array<double, 3>, 3> right{};  // [channel][1, x, y]
  for (const int at : places) {
    const double x = at % judged, y = at / judged;
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y, syy += y * y;
    for (size_t c = 0; c < 3; ++c) {
      const double value = picture.pixels[static_cast<size_t>(at)][c];
      right[c][0] += value, right[c][1] += value * x, right[c][2] += value * y;
    }
  }
  const double vxx = sxx - sx * sx / n, vxy = sxy - sx * sy / n, vyy = syy - sy * sy / n;
  const double determinant = vxx * vyy - vxy * vxy;
  std::vector<Pixel> plane(judged * judged);
  for (size_t c = 0; c < 3; ++c) {
    const double vx = right[c][1] - sx * right[c][0] / n, vy = right[c][2] - sy * right[c][0] / n;
    const double slope_x = (vx * vyy - vy * vxy) / determinant, slope_y = (vy * vxx - vx * vxy) / determinant;
    const double start = (right[c][0] - slope_x * sx - slope_y * sy) / n;
    for (int at = 0; at < judged * judged; ++at) {
      plane[static_cast<size_t>(at)][c] =
          static_cast<float>(start + slope_x * (at % judged) + slope_y * (at / judged));
    }
  }
  return plane;
}

}  // namespace

float distance(const Pixel& a, const Pixel& b) { return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]); }

Colour nearest_colour(const Pixel& pixel) {
  static const auto centres = [] {
    std::array<Pixel, colour_count> all;
    for (size_t i = 0; i < all.size(); ++i) {
      const Rgb c = centre(static_cast<Colour>(i));
      all[i] = {static_cast<float>(255 * c.r), static_cast<float>(255 * c.g), static_cast<float>(255 * c.b)};
    }
    return all;
  }();
  return static_cast<Colour>(
      std::ranges::min_element(centres, {}, [&](const Pixel& c) { return distance(c, pixel); }) -
      centres.begin());
}

Picture reduce(std::span<const uint8_t> rgb, int size) {
  Picture picture;
  for (int y = 0; y < judged; ++y) {
    for (int x = 0; x < judged; ++x) {
      Pixel sum{};
      int count = 0;
      const auto after = [&](int place, int first) {
        return std::max((place + 1) * size / judged, first + 1);
      };
      const int left = x * size / judged, top = y * size / judged;
      for (int v = top; v < after(y, top); ++v) {
        for (int u = left; u < after(x, left); ++u, ++count) {
          for (size_t c = 0; c < 3; ++c) sum[c] += rgb[static_cast<size_t>(v * size + u) * 3 + c];
        }
      }
      for (float& channel : sum) channel /= static_cast<float>(count);
      picture.pixels.push_back(sum);
    }
  }
  return picture;
}

// Starts from the border's median; then the plane through all that is near it, twice.
std::vector<Pixel> find_background(const Picture& picture) {
  Places border;
  for (int at = 0; at < judged * judged; ++at) {
    if (on_border(at)) border.push_back(at);
  }
  Pixel median{};
  for (size_t c = 0; c < 3; ++c) {
    std::vector<float> values;
    for (const int at : border) values.push_back(picture.pixels[static_cast<size_t>(at)][c]);
    std::ranges::nth_element(values, values.begin() + static_cast<long>(values.size() / 2));
    median[c] = values[values.size() / 2];
  }
  std::vector<Pixel> plane(judged * judged, median);
  for (int round = 0; round < 3; ++round) {
    Places near;
    for (int at = 0; at < judged * judged; ++at) {
      const size_t i = static_cast<size_t>(at);
      if ((round > 0 || on_border(at)) && distance(picture.pixels[i], plane[i]) < stands_out)
        near.push_back(at);
    }
    if (near.size() < 100) break;  // no plain background: the median must do
    plane = plane_through(picture, near);
  }
  return plane;
}

}  // namespace unclip
