// The judge of `unclip eval`: sees which colored shapes an image holds, by pixels alone and the same way
// every time, and says whether they are the wanted ones. It knows nothing of how the image was made.
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
  Color color = Color::red;
  std::optional<Shape> shape;  // none: like no shape of the list
  double fit = 0;              // overlap with the best shape: intersection over union, 0 … 1
  double area = 0;             // part of the image, 0 … 1
  Box box;                     // unit coordinates
};

struct Detections {
  Color background = Color::white;
  std::vector<Seen> objects;
};

// `rgb`: size * size * 3 bytes, rows top-down. Images larger than 64 px are averaged down to it.
Detections detect(std::span<const uint8_t> rgb, int size);

struct Verdict {
  bool pass = false;
  std::vector<std::string> reasons;  // why not, in words
};

// The image must hold what is wanted and no object more. `colors` false: shapes alone count.
Verdict judge(const Detections& detections, const Requirement& wanted, bool colors = true);

}  // namespace unclip
