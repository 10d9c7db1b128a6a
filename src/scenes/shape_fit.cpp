// Fits the eight upright shapes to a soft mask by coordinate ascent on their box (see shape_fit.h).
#include "scenes/shape_fit.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace unclip {
namespace {

constexpr int grid = 256;
constexpr double most_stretch = 1.35;  // from a shape's own proportions

// A shape drawn into its box; sums over rectangles of it cost four look-ups.
struct Template {
  double aspect = 1;  // width by height
  std::vector<float> sums = std::vector<float>((grid + 1) * (grid + 1));

  float sum(int u, int v) const { return sums[static_cast<size_t>(v * (grid + 1) + u)]; }
};

Template make_template(Shape shape) {
  const int size = 2 * grid;
  Canvas canvas(size);
  canvas.shape(shape, {0.5, 0.5}, 0.5);
  canvas.fill({0, 0, 0});
  const uint32_t* pixels = canvas.pixels();
  const auto ink = [&](int x, int y) { return (pixels[y * size + x] & 0xff) < 128; };
  int left = size, right = 0, top = size, bottom = 0;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      if (!ink(x, y)) continue;
      left = std::min(left, x), right = std::max(right, x + 1);
      top = std::min(top, y), bottom = std::max(bottom, y + 1);
    }
  }
  Template made;
  made.aspect = static_cast<double>(right - left) / (bottom - top);
  for (int v = 0; v < grid; ++v) {
    float row = 0;
    for (int u = 0; u < grid; ++u) {
      row += ink(left + (2 * u + 1) * (right - left) / (2 * grid),
                 top + (2 * v + 1) * (bottom - top) / (2 * grid))
                 ? 1.0f
                 : 0.0f;
      made.sums[static_cast<size_t>((v + 1) * (grid + 1) + u + 1)] = made.sum(u + 1, v) + row;
    }
  }
  return made;
}

const Template& template_of(Shape shape) {
  static const auto all = [] {
    std::array<Template, shape_count> made;
    for (int i = 0; i < shape_count; ++i) made[static_cast<size_t>(i)] = make_template(static_cast<Shape>(i));
    return made;
  }();
  return all[static_cast<size_t>(shape)];
}

// The template's cell at each pixel border of the window.
std::vector<int> cells(int start, int count, double from, double to) {
  std::vector<int> at(static_cast<size_t>(count) + 1);
  for (int i = 0; i <= count; ++i) {
    const double place = (start + i - from) / (to - from) * grid;
    at[static_cast<size_t>(i)] = static_cast<int>(std::lround(std::clamp<double>(place, 0, grid)));
  }
  return at;
}

double overlap(const Mask& mask, const Fit& fit) {
  const double width = fit.right - fit.left, height = fit.bottom - fit.top;
  if (width < 3 || height < 3) return 0;
  const Template& shape = template_of(fit.shape);
  const double stretch = width / height / shape.aspect;
  if (stretch > most_stretch || stretch < 1 / most_stretch) return 0;
  const std::vector<int> u = cells(mask.x, mask.width, fit.left, fit.right);
  const std::vector<int> v = cells(mask.y, mask.height, fit.top, fit.bottom);
  const float per_pixel = static_cast<float>(width * height / (grid * grid));
  float both = 0, either = 0;
  for (int y = 0; y < mask.height; ++y) {
    const int top = v[static_cast<size_t>(y)], bottom = v[static_cast<size_t>(y) + 1];
    for (int x = 0; x < mask.width; ++x) {
      const float seen = mask.cover[static_cast<size_t>(y * mask.width + x)];
      if (seen < 0) continue;
      const int left = u[static_cast<size_t>(x)], right = u[static_cast<size_t>(x) + 1];
      const float wanted = per_pixel * (shape.sum(right, bottom) - shape.sum(left, bottom) -
                                        shape.sum(right, top) + shape.sum(left, top));
      both += std::min(seen, wanted);
      either += std::max(seen, wanted);
    }
  }
  return either > 0 ? both / either : 0;
}

// Moves one side at a time while that helps.
void climb(const Mask& mask, Fit& fit, double step) {
  for (int round = 0; round < 4; ++round) {
    const double before = fit.overlap;
    for (double Fit::*side : {&Fit::left, &Fit::right, &Fit::top, &Fit::bottom}) {
      for (const double move : {-step, step}) {
        Fit tried = fit;
        tried.*side += move;
        tried.overlap = overlap(mask, tried);
        if (tried.overlap > fit.overlap) fit = tried;
      }
    }
    if (fit.overlap == before) return;
  }
}

}  // namespace

Fit fit_shape(const Mask& mask, const Fit& start) {
  std::vector<Fit> fits;
  for (int i = 0; i < shape_count; ++i) {
    Fit fit = start;
    fit.shape = static_cast<Shape>(i);
    fit.overlap = overlap(mask, fit);
    climb(mask, fit, 0.8);
    fits.push_back(fit);
  }
  std::ranges::sort(fits, std::greater(), &Fit::overlap);
  fits.resize(3);
  for (Fit& fit : fits) {
    climb(mask, fit, 0.4);
    climb(mask, fit, 0.2);
  }
  return *std::ranges::max_element(fits, {}, &Fit::overlap);
}

}  // namespace unclip
