// What no single option shows: how the options of an image go together.
#pragma once

#include "unclip/image_options.h"

namespace unclip {

// Finds an empty prompt, and options that exclude or need each other. Throws std::invalid_argument; Error(io)
// for a file that is missing.
void check_together(const ImageOptions& options);

}  // namespace unclip
