// Resizing of 8-bit images, with the numbers that Pillow gives: convolution in two passes with a filter
// that widens where the image shrinks, in fixed point, rounded to 8 bits after each pass.
#pragma once

#include <optional>

#include "unclip/image.h"

namespace unclip {

enum class ResizeFilter { bicubic, lanczos };

// `width` and `height` ≥ 1. With `reduce_first` an image that shrinks by whole factors is averaged by those
// before the filter is asked (Pillow's reducing_gap = 1).
Image resize(const Image& image, int width, int height, ResizeFilter filter, bool reduce_first = false);

// The part of the given size in the middle; width and height at most the image's.
Image crop_center(const Image& image, int width, int height);

// RGB without transparency: an alpha channel is dropped, gray is written three times.
Image to_rgb(const Image& image);

// One channel: the alpha of an image that has it, 0 transparent … 255 opaque.
std::optional<Image> alpha_plane(const Image& image);

// One channel, the luminance of ITU-R 601-2.
Image to_gray(const Image& image);

}  // namespace unclip
