// The judge of `unclip eval`: sees which coloured shapes a picture holds, by pixels alone and the same way
// every time, and says whether they are the wanted ones. It knows nothing of how the picture was made.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scenes/requirement.h"

namespace unclip {

// One object as seen.
struct Seen {
  Colour colour = Colour::red;
  std::optional<Shape> shape;  // none: like no shape of the list
  double fit = 0;              // overlap with the best shape: intersection over union, 0 … 1
  double area = 0;             // part of the picture, 0 … 1
  Box box;                     // unit coordinates
};

struct Detections {
  Colour background = Colour::white;
  std::vector<Seen> objects;
};

// `rgb`: size * size * 3 bytes, rows top-down. Pictures larger than 64 px are averaged down to it.
Detections detect(std::span<const uint8_t> rgb, int size);

struct Verdict {
  bool pass = false;
  std::vector<std::string> reasons;  // why not, in words
};

// The picture must hold what is wanted and no object more. `colours` false: shapes alone count.
Verdict judge(const Detections& detections, const Requirement& wanted, bool colours = true);

}  // namespace unclip
