// From pixels to objects, for the judge: the background's plane of color, what stands out from it, and where
// one blob holds two colors (one object inside another), its parts.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "scenes/vocabulary.h"

namespace unclip {

constexpr int judged = 64;  // pixels a side of the image that is looked at

using Pixel = std::array<float, 3>;  // red, green, blue, 0 … 255

struct SmallImage {
  std::vector<Pixel> pixels;  // [judged * judged]
  int edge = 2;               // pixels over which two colors blend; more where a small image was enlarged
  const Pixel& at(int x, int y) const { return pixels[static_cast<size_t>(y * judged + x)]; }
};

// Resizes to what is judged. `rgb`: size * size * 3 bytes.
SmallImage reduce(std::span<const uint8_t> rgb, int size);

float distance(const Pixel& a, const Pixel& b);
Color nearest_color(const Pixel& pixel);

// From the background, levels of sRGB: above noise, below the distance of any two colors.
constexpr float stands_out = 28;

// The plane of color, [judged * judged], through the border and all that is near it.
std::vector<Pixel> find_background(const SmallImage& image);

struct Segments {
  std::vector<Pixel> background;  // [judged * judged], the fitted plane
  std::vector<int> label;         // [judged * judged]: background, unclear, or an object's number from 0
  std::vector<Pixel> colors;      // of the objects

  static constexpr int is_background = -1, is_unclear = -2;
};

Segments segment(const SmallImage& image);

}  // namespace unclip
