// Styles made from the painted image: watercolor and pixel art.
#include <algorithm>
#include <array>
#include <cmath>

#include "style.h"

namespace unclip {
namespace {

constexpr Rgb paper = hex(0xfcf9f2);

// Between pixels; beyond the edge the edge.
Rgb sample(const std::vector<Rgb>& image, int size, double x, double y) {
  x = std::clamp(x * size - 0.5, 0.0, size - 1.0), y = std::clamp(y * size - 0.5, 0.0, size - 1.0);
  const int i = static_cast<int>(x), j = static_cast<int>(y);
  const int right = std::min(i + 1, size - 1), below = std::min(j + 1, size - 1);
  const auto at = [&](int column, int row) { return image[static_cast<size_t>(row * size + column)]; };
  return mix(mix(at(i, j), at(right, j), x - i), mix(at(i, below), at(right, below), x - i), y - j);
}

constexpr int cells_a_side = 32, fine = 4, palette_size = 16;  // cells a side, pixels of a cell, colors

using Cell = std::array<int, 3>;

int cell_distance(const Cell& a, const Cell& b) {
  return std::abs(a[0] - b[0]) + std::abs(a[1] - b[1]) + std::abs(a[2] - b[2]);
}

// Of a cell's pixels the most typical: no blends at edges, as a draughtsman would have it.
Cell typical(const std::array<Cell, fine * fine>& pixels) {
  size_t best = 0;
  int least = 1 << 30;
  for (size_t i = 0; i < pixels.size(); ++i) {
    int sum = 0;
    for (const Cell& other : pixels) sum += cell_distance(pixels[i], other);
    if (sum < least) least = sum, best = i;
  }
  return pixels[best];
}

// Median cut (Heckbert 1982): split the widest box of colors at its median until there are enough.
void reduce_colors(std::vector<Cell>& cells) {
  std::vector<std::vector<Cell*>> boxes(1);
  for (Cell& cell : cells) boxes[0].push_back(&cell);
  const auto widest = [](const std::vector<Cell*>& box) {
    std::pair<int, size_t> best{0, 0};
    for (size_t c = 0; c < 3; ++c) {
      const auto [low, high] =
          std::ranges::minmax_element(box, {}, [c](const Cell* cell) { return (*cell)[c]; });
      best = std::max(best, {(**high)[c] - (**low)[c], c});
    }
    return best;
  };
  while (boxes.size() < palette_size) {
    const auto box = std::ranges::max_element(boxes, {}, widest);
    const auto [range, channel] = widest(*box);
    if (range < 6) break;
    const auto c = channel;  // clang 14 captures no structured binding
    std::ranges::stable_sort(*box, {}, [c](const Cell* cell) { return (*cell)[c]; });
    // At the middle of the range, not of the count: a small thing of its own color keeps it.
    const int middle = ((*box->front())[c] + (*box->back())[c]) / 2;
    const auto cut = std::ranges::find_if(*box, [&](const Cell* cell) { return (*cell)[c] > middle; });
    std::vector<Cell*> upper(cut, box->end());
    box->erase(cut, box->end());
    boxes.push_back(std::move(upper));
  }
  for (const std::vector<Cell*>& box : boxes) {
    Cell sum{};
    for (const Cell* cell : box) {
      for (size_t c = 0; c < 3; ++c) sum[c] += (*cell)[c];
    }
    for (size_t c = 0; c < 3; ++c) sum[c] /= static_cast<int>(box.size());
    for (Cell* cell : box) *cell = sum;
  }
}

}  // namespace

void paint_watercolor(const Drawing& drawing, uint64_t seed, Canvas& canvas) {
  drawing.paint(canvas);
  const int size = canvas.size();
  const std::vector<Rgb> dry = read(canvas);
  std::vector<Rgb> wet(dry.size());
  const auto each = [&](auto&& change) {
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x)
        change(static_cast<size_t>(y * size + x), (x + 0.5) / size, (y + 0.5) / size);
    }
  };
  each([&](size_t i, double u, double v) {  // edges wander
    const double dx = noise(seed, u, v, 9) - 0.5, dy = noise(seed + 1, u, v, 9) - 0.5;
    wet[i] = sample(dry, size, u + 0.028 * dx, v + 0.028 * dy);
  });
  const std::vector<Rgb> soft = blurred(wet, size, 0.016);
  each([&](size_t i, double u, double v) {
    const double cloud = noise(seed + 2, u, v, 4) * 0.65 + noise(seed + 3, u, v, 11) * 0.35;
    const double density = 0.78 + 0.3 * cloud, grain = noise(seed + 4, u, v, 60);
    const double margin = std::min({u, v, 1 - u, 1 - v}) - 0.03 * noise(seed + 5, u, v, 12);
    const double covered = std::clamp(margin / 0.018, 0.0, 1.0);
    for (double Rgb::*c : {&Rgb::r, &Rgb::g, &Rgb::b}) {
      const double bled = 0.72 * wet[i].*c + 0.28 * soft[i].*c;
      const double rim = std::min(wet[i].*c - soft[i].*c, 0.0);  // pigment dries at the edge of a stain
      const double stain = (1 - std::clamp(bled + 0.55 * rim, 0.0, 1.0)) * density * covered;
      wet[i].*c = paper.*c * (1 - stain) - 0.035 * grain;
    }
  });
  write(canvas, wet);
}

void paint_pixel_art(const Drawing& drawing, Canvas& canvas) {
  Canvas large(cells_a_side * fine);
  drawing.paint(large);
  const uint32_t* pixels = large.pixels();
  std::vector<Cell> cells;
  for (int y = 0; y < cells_a_side; ++y) {
    for (int x = 0; x < cells_a_side; ++x) {
      std::array<Cell, fine * fine> inside;
      for (int k = 0; k < fine * fine; ++k) {
        const uint32_t p = pixels[(y * fine + k / fine) * cells_a_side * fine + x * fine + k % fine];
        inside[static_cast<size_t>(k)] = {static_cast<int>(p >> 16 & 255), static_cast<int>(p >> 8 & 255),
                                          static_cast<int>(p & 255)};
      }
      cells.push_back(typical(inside));
    }
  }
  reduce_colors(cells);
  uint32_t* to = canvas.pixels();
  const int size = canvas.size();
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const Cell& cell =
          cells[static_cast<size_t>(y * cells_a_side / size * cells_a_side + x * cells_a_side / size)];
      to[y * size + x] = static_cast<uint32_t>(cell[0] << 16 | cell[1] << 8 | cell[2]);
    }
  }
}

}  // namespace unclip
