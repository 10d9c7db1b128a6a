// Which of the eight shapes a soft mask is, for the judge: every shape is laid over the mask, stretched to
// where it fits best, and the largest overlap wins.
#pragma once

#include <optional>
#include <vector>

#include "scenes/requirement.h"

namespace unclip {

// A window of the image around one object, in pixels.
struct Mask {
  int x = 0, y = 0, width = 0, height = 0;
  std::vector<float> cover;  // [height * width], 0 … 1: how much of a pixel is the object; below 0: not known
};

struct Fit {
  Shape shape = Shape::circle;
  double overlap = 0;                               // intersection over union
  double left = 0, right = 0, top = 0, bottom = 0;  // of the fitted shape's box, in pixels
};

// `start`: the mask's box (left, right, top, bottom) to begin the search from.
Fit fit_shape(const Mask& mask, const Fit& start);

}  // namespace unclip
