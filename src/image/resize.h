// Resizing of 8-bit images, with the numbers that Pillow gives: convolution in two passes with a filter
// that widens where the image shrinks, in fixed point, rounded to 8 bits after each pass.
#pragma once

#include <cstdint>
#include <optional>

#include "unclip/image.h"

namespace unclip {

enum class ResizeFilter { bicubic, lanczos };

// `width` and `height` ≥ 1. With `reduce_first` an image that shrinks by whole factors is averaged by those
// before the filter is asked (Pillow's reducing_gap = 1).
Image resize(const Image& image, int width, int height, ResizeFilter filter, bool reduce_first = false);

struct ImageArea {
  std::int64_t width, height;  // pixels
};

// What resize() to `whole` would show in its middle, `width` × `height` of it or all if it is smaller. Only
// that is computed: `whole` may be larger than any memory.
Image resize_and_crop(const Image& image, ImageArea whole, int width, int height, ResizeFilter filter);

// RGB without transparency: an alpha channel is dropped, gray is written three times.
Image to_rgb(const Image& image);

// One channel: the alpha of an image that has it, 0 transparent … 255 opaque.
std::optional<Image> alpha_plane(const Image& image);

// One channel, the luminance of ITU-R 601-2.
Image to_gray(const Image& image);

}  // namespace unclip
