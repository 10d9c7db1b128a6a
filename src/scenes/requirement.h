// What an image of the family Shapes must hold: drawn by draw_required, put into words by describe, checked
// by the judge.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenes/scene.h"

namespace unclip {

enum class Size { any, small, large };  // small: at most 4 % of the image, large: at least 8 %
enum class Relation { left_of, right_of, above, below, inside };

constexpr int size_count = 3, relation_count = 5;
constexpr double smallest_area = 0.015, small_area = 0.04, large_area = 0.08;

// "two small yellow stars"
struct Wanted {
  Color color = Color::red;
  Shape shape = Shape::circle;
  Size size = Size::any;
  int count = 1;  // 1 … 4
};

struct Requirement {
  std::vector<Wanted> objects;       // one, of any count, or two unlike ones of count 1
  std::optional<Relation> relation;  // of the first object to the second
  std::optional<Color> background;   // no object's color; none: any
};

std::string_view name(Size size);
std::string_view name(Relation relation);  // "left of"

// GenEval's margin (Ghosh et al. 2023, arXiv 2310.11513): an offset counts where it passes a tenth of both
// boxes, and as a direction where it then makes up more than half of the distance.
struct Box {
  Point center;
  double width = 0, height = 0;
};
bool stands(const Box& a, Relation relation, const Box& b);

// A requirement as training images have it, held-out pairs and all.
Requirement random_requirement(Rng& rng, const ShapesMix& mix = {});

bool holds_held_out(const Requirement& wanted);

// `wanted` with one thing changed (a color, a shape, whose color is whose, the relation, …), so that no
// image of it is one of the other; names no held-out pair that `wanted` did not hold. Of colors and
// background only what the caption names is changed.
Requirement falsified(Rng& rng, const Requirement& wanted, bool colors = true, bool background = true);

// An image of it: places, exact sizes and colors at random. Empty where chance found no room for it.
std::optional<Drawing> draw_required(Rng& rng, const Requirement& wanted);

// The plain sentence, "a red circle left of a blue square", and one of many others. Without `colors`,
// "a circle left of a square"; the background is named only when `background` is.
std::string describe(const Requirement& wanted);
std::string describe(Rng& rng, const Requirement& wanted, bool colors, bool background);

}  // namespace unclip
