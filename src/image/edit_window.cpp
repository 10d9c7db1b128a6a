// Cutting out and putting back (see the header).
#include "image/edit_window.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "image/resize.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr int kLargestSide = 8192;   // pixels
constexpr std::uint8_t kHalf = 128;  // from here on a pixel of a mask is white

std::size_t place(const Image& image, int x, int y) {
  return (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(x)) *
         static_cast<std::size_t>(image.channels);
}

Image blank(int width, int height, int channels, std::uint8_t value) {
  Image image{width, height, channels, {}};
  image.pixels.assign(place(image, 0, height), value);
  return image;
}

// The smallest window around all that is repainted.
std::optional<Window> repainted_box(const Image& mask) {
  int left = mask.width, top = mask.height, right = -1, bottom = -1;
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) {
      if (mask.pixels[place(mask, x, y)] < kHalf) continue;
      left = std::min(left, x), right = std::max(right, x);
      top = std::min(top, y), bottom = std::max(bottom, y);
    }
  if (right < 0) return std::nullopt;
  return Window{left, top, right - left + 1, bottom - top + 1};
}

// The part of an image that lies in the window; beyond the edge its last pixels are repeated.
Image crop(const Image& image, const Window& window) {
  Image part = blank(window.width, window.height, image.channels, 0);
  for (int y = 0; y < part.height; ++y)
    for (int x = 0; x < part.width; ++x) {
      const std::size_t from = place(image, std::clamp(window.x + x, 0, image.width - 1),
                                     std::clamp(window.y + y, 0, image.height - 1));
      std::copy_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(from), image.channels,
                  part.pixels.begin() + static_cast<std::ptrdiff_t>(place(part, x, y)));
    }
  return part;
}

// A mask in another size: a pixel is white where any of the pixels below it is.
Image resize_mask(const Image& mask, int width, int height) {
  Image resized = blank(width, height, 1, 0);
  const auto range = [](int at, int from,
                        int to) {  // of pixels in `to` that the pixel `at` of `from` touches
    const double scale = static_cast<double>(to) / from;
    const int first = static_cast<int>(at * scale), last = static_cast<int>(std::ceil((at + 1) * scale)) - 1;
    return std::pair{first, std::clamp(last, first, to - 1)};
  };
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const auto [top, bottom] = range(y, height, mask.height);
      const auto [left, right] = range(x, width, mask.width);
      std::uint8_t& pixel = resized.pixels[place(resized, x, y)];
      for (int v = top; v <= bottom; ++v)
        for (int u = left; u <= right; ++u) pixel = std::max(pixel, mask.pixels[place(mask, u, v)]);
    }
  return resized;
}

// Steps from each repainted pixel to the nearest kept one, up, down and sideways; at most `most`.
std::vector<int> depth(const Image& mask, int most) {
  std::vector<int> steps(mask.pixels.size());
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = mask.pixels[i] >= kHalf ? most : 0;
  const auto relax = [&](int x, int y, int u, int v) {
    if (u < 0 || v < 0 || u >= mask.width || v >= mask.height) return;
    int& own = steps[place(mask, x, y)];
    own = std::min(own, steps[place(mask, u, v)] + 1);
  };
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) relax(x, y, x - 1, y), relax(x, y, x, y - 1);
  for (int y = mask.height - 1; y >= 0; --y)
    for (int x = mask.width - 1; x >= 0; --x) relax(x, y, x + 1, y), relax(x, y, x, y + 1);
  return steps;
}

}  // namespace

EditCanvas edit_canvas(const Image& image, const Image* alpha, const Image* mask, const Margins& margins) {
  const int width = image.width + margins.left + margins.right,
            height = image.height + margins.top + margins.bottom;
  if (image.width > kLargestSide || image.height > kLargestSide)
    throw Error(ExitCode::usage,
                "expected an image of at most " + std::to_string(kLargestSide) + " pixels per side, found " +
                    std::to_string(image.width) + "x" + std::to_string(image.height),
                "scale the image down");
  if (width > kLargestSide || height > kLargestSide)
    throw Error(ExitCode::usage,
                Cause{.field = "outpaint",
                      .expected = "a canvas of at most " + std::to_string(kLargestSide) + " pixels per side",
                      .found = std::to_string(width) + "x" + std::to_string(height)},
                "choose smaller margins");
  if (mask != nullptr && (mask->width != image.width || mask->height != image.height))
    throw Error(ExitCode::usage,
                Cause{.field = "mask",
                      .expected = std::to_string(image.width) + "x" + std::to_string(image.height) +
                                  " pixels, the size of the image",
                      .found = std::to_string(mask->width) + "x" + std::to_string(mask->height)},
                "resize the mask");
  const Window whole{-margins.left, -margins.top, width, height};
  EditCanvas canvas{crop(to_rgb(image), whole), blank(width, height, 1, 255)};
  const Image white = mask != nullptr ? to_gray(*mask) : Image{};
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const bool repainted = mask != nullptr    ? white.pixels[place(white, x, y)] >= kHalf
                             : alpha != nullptr ? alpha->pixels[place(*alpha, x, y)] < kHalf
                                                : false;
      canvas.mask.pixels[place(canvas.mask, x + margins.left, y + margins.top)] = repainted ? 255 : 0;
    }
  if (!repainted_box(canvas.mask))
    throw Error(
        ExitCode::usage,
        Cause{.field = "mask",
              .expected = "a white part to repaint, an image with transparent parts, or margins to outpaint",
              .found = "none"},
        "paint white what should be repainted");
  return canvas;
}

Window edit_window(const EditCanvas& canvas, int width, int height) {
  const Window box = *repainted_box(canvas.mask);
  const double aspect = static_cast<double>(width) / height;
  const auto wide_enough = [&](double w, double h) { return std::max(w, h * aspect); };
  const double all = wide_enough(canvas.image.width, canvas.image.height);
  const double wanted = std::max(wide_enough(box.width * 1.5, box.height * 1.5), static_cast<double>(width));
  const double chosen = std::max(std::min(wanted, all), wide_enough(box.width, box.height));
  Window window{0, 0, static_cast<int>(std::ceil(chosen)), static_cast<int>(std::ceil(chosen / aspect))};
  const auto along = [](int size, int canvas_size, int box_start, int box_size) {
    const int centered = box_start + box_size / 2 - size / 2;
    return size >= canvas_size ? (canvas_size - size) / 2 : std::clamp(centered, 0, canvas_size - size);
  };
  window.x = along(window.width, canvas.image.width, box.x, box.width);
  window.y = along(window.height, canvas.image.height, box.y, box.height);
  return window;
}

EditCanvas cut_out(const EditCanvas& canvas, const Window& window, int width, int height) {
  Image mask = crop(canvas.mask, window);
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x)
      if (window.x + x < 0 || window.y + y < 0 || window.x + x >= canvas.mask.width ||
          window.y + y >= canvas.mask.height)
        mask.pixels[place(mask, x, y)] = 255;
  const Image image = crop(canvas.image, window);
  if (window.width == width && window.height == height) return {image, mask};
  return {resize(image, width, height, ResizeFilter::lanczos), resize_mask(mask, width, height)};
}

Image put_back(const EditCanvas& canvas, const Window& window, const Image& made, int feather) {
  const Image drawn = made.width == window.width && made.height == window.height
                          ? made
                          : resize(made, window.width, window.height, ResizeFilter::lanczos);
  const std::vector<int> inside = depth(canvas.mask, feather + 1);
  Image result = canvas.image;
  for (int y = std::max(window.y, 0); y < std::min(window.y + window.height, result.height); ++y)
    for (int x = std::max(window.x, 0); x < std::min(window.x + window.width, result.width); ++x) {
      const int steps = inside[place(canvas.mask, x, y)];
      if (steps == 0) continue;
      const std::size_t to = place(result, x, y), from = place(drawn, x - window.x, y - window.y);
      for (std::size_t c = 0; c < 3; ++c) {
        const int old = result.pixels[to + c], now = drawn.pixels[from + c];
        result.pixels[to + c] = static_cast<std::uint8_t>(old + (now - old) * steps / (feather + 1));
      }
    }
  return result;
}

}  // namespace unclip
