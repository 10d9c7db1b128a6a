// Names and centers of the colors and shapes that can be judged (see vocabulary.h).
#include "scenes/vocabulary.h"

namespace unclip {
namespace {

constexpr std::array<std::string_view, color_count> color_names{
    "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown", "black", "white", "gray"};

constexpr std::array<std::string_view, shape_count> shape_names{"circle", "square",  "triangle", "star",
                                                                "heart",  "diamond", "ring",     "cross"};

constexpr std::array<std::array<int, 3>, color_count> centers{{{220, 40, 40},
                                                               {245, 140, 30},
                                                               {245, 215, 45},
                                                               {45, 165, 65},
                                                               {50, 200, 215},
                                                               {45, 85, 215},
                                                               {140, 55, 180},
                                                               {245, 140, 185},
                                                               {125, 75, 40},
                                                               {20, 20, 20},
                                                               {245, 245, 245},
                                                               {140, 140, 140}}};

}  // namespace

std::string_view name(Color color) { return color_names[static_cast<size_t>(color)]; }
std::string_view name(Shape shape) { return shape_names[static_cast<size_t>(shape)]; }

Rgb center(Color color) {
  const auto& c = centers[static_cast<size_t>(color)];
  return {c[0] / 255.0, c[1] / 255.0, c[2] / 255.0};
}

Rgb vary(Rng& rng, Color color) {
  Rgb c = center(color);
  for (double* channel : {&c.r, &c.g, &c.b}) *channel += uniform(rng, -10, 10) / 255;
  return c;
}

}  // namespace unclip
