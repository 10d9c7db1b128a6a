// `unclip detect`: what eval's judge sees in images of shapes, for scripts that check images.
#pragma once

#include <filesystem>
#include <ostream>
#include <vector>

namespace unclip {

// Prints one JSON object per file: background, and of each object color, shape (null: like none of the list),
// fit (overlap with that shape, 0 to 1), area (part of the image) and box (center x, y, width, height from 0
// to 1). Throws Error(io) for what is no square image.
int detect_in(const std::vector<std::filesystem::path>& files, std::ostream& out);

}  // namespace unclip
