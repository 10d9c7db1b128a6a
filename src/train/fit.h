// Whether what a recipe asks for fits together: hours of training are not begun for nets that will not make a
// model, or for images that the next stage cannot use. Both throw Error(usage), naming `origin`, the recipe's
// file.
#pragma once

#include <string>

#include "train/stage.h"

namespace unclip {

// The sizes that phases train at: images are shrunk from one net's to another's by whole factors, and a U-Net
// halves them at every level but the last.
void check_sizes(const Recipe& recipe, const std::string& origin);

// The schedules, and widths of the nets against one another and the tokenizer; of a recipe of some stages
// alone nothing.
void check_fit(const TrainContext& context, const std::string& origin);

}  // namespace unclip
