// The image at the size that is judged, colors by name, and the plane of the background (see segment.h).
#include <algorithm>
#include <cmath>

#include "scenes/segment.h"

namespace unclip {
namespace {

using Places = std::vector<int>;  // indices of pixels

bool on_border(int at) {
  const int x = at % judged, y = at / judged;
  return std::min(x, y) < 2 || std::max(x, y) >= judged - 2;
}

// The plane a + b·x + c·y of each channel through `places`, by least squares.
std::vector<Pixel> plane_through(const SmallImage& image, const Places& places) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
  std::array<std::array<double, 3>, 3> right{};  // [channel][1, x, y]
  for (const int at : places) {
    const double x = at % judged, y = at / judged;
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y, syy += y * y;
    for (size_t c = 0; c < 3; ++c) {
      const double value = image.pixels[static_cast<size_t>(at)][c];
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

Color nearest_color(const Pixel& pixel) {
  static const auto centers = [] {
    std::array<Pixel, color_count> all;
    for (size_t i = 0; i < all.size(); ++i) {
      const Rgb c = center(static_cast<Color>(i));
      all[i] = {static_cast<float>(255 * c.r), static_cast<float>(255 * c.g), static_cast<float>(255 * c.b)};
    }
    return all;
  }();
  return static_cast<Color>(
      std::ranges::min_element(centers, {}, [&](const Pixel& c) { return distance(c, pixel); }) -
      centers.begin());
}

SmallImage reduce(std::span<const uint8_t> rgb, int size) {
  // Triangle filter as wide as the coarser of the two grids: an average going down, bilinear going up.
  const double scale = static_cast<double>(size) / judged, reach = std::max(scale, 1.0);
  struct Taps {
    int first = 0;
    std::vector<float> weights;
  };
  std::vector<Taps> taps(judged);
  for (int i = 0; i < judged; ++i) {
    const double middle = (i + 0.5) * scale - 0.5;
    Taps& tap = taps[static_cast<size_t>(i)];
    tap.first = std::max(static_cast<int>(std::ceil(middle - reach)), 0);
    float sum = 0;
    for (int k = tap.first; k <= std::min(static_cast<int>(middle + reach), size - 1); ++k) {
      tap.weights.push_back(static_cast<float>(1 - std::abs(k - middle) / reach));
      sum += tap.weights.back();
    }
    for (float& weight : tap.weights) weight /= sum;
  }
  SmallImage image{std::vector<Pixel>(judged * judged), size < judged ? 4 : 2};
  for (int at = 0; at < judged * judged; ++at) {
    const Taps& column = taps[static_cast<size_t>(at % judged)];
    const Taps& row = taps[static_cast<size_t>(at / judged)];
    for (size_t v = 0; v < row.weights.size(); ++v) {
      for (size_t u = 0; u < column.weights.size(); ++u) {
        const size_t from = ((static_cast<size_t>(row.first) + v) * static_cast<size_t>(size) +
                             static_cast<size_t>(column.first) + u) *
                            3;
        for (size_t c = 0; c < 3; ++c) {
          image.pixels[static_cast<size_t>(at)][c] += row.weights[v] * column.weights[u] * rgb[from + c];
        }
      }
    }
  }
  return image;
}

// Starts from the border's median; then the plane through all that is near it, twice.
std::vector<Pixel> find_background(const SmallImage& image) {
  Places border;
  for (int at = 0; at < judged * judged; ++at) {
    if (on_border(at)) border.push_back(at);
  }
  Pixel median{};
  for (size_t c = 0; c < 3; ++c) {
    std::vector<float> values;
    for (const int at : border) values.push_back(image.pixels[static_cast<size_t>(at)][c]);
    std::ranges::nth_element(values, values.begin() + static_cast<long>(values.size() / 2));
    median[c] = values[values.size() / 2];
  }
  std::vector<Pixel> plane(judged * judged, median);
  for (int round = 0; round < 3; ++round) {
    Places near;
    for (int at = 0; at < judged * judged; ++at) {
      const size_t i = static_cast<size_t>(at);
      if ((round > 0 || on_border(at)) && distance(image.pixels[i], plane[i]) < stands_out)
        near.push_back(at);
    }
    if (near.size() < 100) break;  // no plain background: the median must do
    plane = plane_through(image, near);
  }
  return plane;
}

}  // namespace unclip
