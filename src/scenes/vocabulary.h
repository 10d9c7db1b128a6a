// The words that can be judged: colours and shapes, and the rule that keeps some of their pairs out of every
// training picture, so that understanding is measured and not memory.
#pragma once

#include <array>
#include <string_view>

#include "scenes/random.h"

namespace unclip {

enum class Colour { red, orange, yellow, green, cyan, blue, purple, pink, brown, black, white, gray };
enum class Shape { circle, square, triangle, star, heart, diamond, ring, cross };

constexpr int colour_count = 12;
constexpr int shape_count = 8;

struct Rgb {
  double r = 0, g = 0, b = 0;  // sRGB, 0 … 1
};

std::string_view name(Colour colour);
std::string_view name(Shape shape);

// The middle of a colour.
Rgb centre(Colour colour);

// The middle moved by up to ±10/255 a channel.
Rgb vary(Rng& rng, Colour colour);

// True for a pair that no training picture of any family may hold. draw_scene throws such drawings away;
// families list every shape-like thing they draw in Drawing::objects.
constexpr bool held_out(Colour colour, Shape shape) {
  return (static_cast<int>(colour) + 3 * static_cast<int>(shape)) % 10 == 7;
}

}  // namespace unclip
