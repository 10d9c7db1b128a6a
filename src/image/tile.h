// Images side by side on one, without captions: the sheets of `train` and `eval`.
#pragma once

#include <cstddef>
#include <span>

#include "unclip/image.h"

namespace unclip {

// RGB images of one size, at least one, in reading order; `margin` white pixels around each.
Image tile(std::span<const Image> images, std::size_t columns, std::size_t margin = 0);

}  // namespace unclip
