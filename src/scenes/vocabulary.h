// The words that can be judged: colors and shapes, and the rule that keeps some of their pairs out of every
// training image, so that understanding is measured and not memory.
#pragma once

#include <array>
#include <string_view>

#include "scenes/random.h"

namespace unclip {

enum class Color { red, orange, yellow, green, cyan, blue, purple, pink, brown, black, white, gray };
enum class Shape { circle, square, triangle, star, heart, diamond, ring, cross };

constexpr int color_count = 12;
constexpr int shape_count = 8;

struct Rgb {
  double r = 0, g = 0, b = 0;  // sRGB, 0 … 1
};

std::string_view name(Color color);
std::string_view name(Shape shape);

// The middle of a color.
Rgb center(Color color);

// The middle moved by up to ±10/255 a channel.
Rgb vary(Rng& rng, Color color);

// True for a pair that no training image of any family may hold. draw_scene throws such drawings away;
// families list every shape-like thing they draw in Drawing::objects.
constexpr bool held_out(Color color, Shape shape) {
  return (static_cast<int>(color) + 3 * static_cast<int>(shape)) % 10 == 7;
}

}  // namespace unclip
