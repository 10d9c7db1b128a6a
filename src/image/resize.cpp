// Resizing by convolution (see the header).
#include "image/resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace unclip {
namespace {

constexpr int kWeightBits = 22;

double cubic(double x) {  // Keys 1981, a = −1/2
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

double lanczos3(double x) { return std::abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0; }

// What one output pixel is made of: the input pixels from `first` on, times the weights.
struct Taps {
  int first = 0;
  std::vector<int> weights;
};

// Of `count` output pixels from `begin` on. `extent`: how much of the input axis, from 0 on, the output
// covers; a fraction where the last reduced pixel stands for fewer.
std::vector<Taps> make_taps(int input, double extent, std::int64_t output, ResizeFilter filter,
                            std::int64_t begin, int count) {
  const double scale = extent / static_cast<double>(output), stretch = std::max(scale, 1.0);
  const double support = (filter == ResizeFilter::bicubic ? 2.0 : 3.0) * stretch;
  std::vector<Taps> all(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    const double center = (static_cast<double>(begin + i) + 0.5) * scale;
    Taps& taps = all[static_cast<std::size_t>(i)];
    taps.first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int last = std::min(static_cast<int>(center + support + 0.5), input);
    std::vector<double> weights;
    double sum = 0;
    for (int j = taps.first; j < last; ++j) {
      const double distance = (j - center + 0.5) / stretch;
      weights.push_back(filter == ResizeFilter::bicubic ? cubic(distance) : lanczos3(distance));
      sum += weights.back();
    }
    for (const double w : weights)
      taps.weights.push_back(static_cast<int>(std::round(w / sum * (1 << kWeightBits))));
  }
  return all;
}

// A line of `taps.size()` pixels; `input` and `output` point to its first samples, strides are in samples.
void convolve_line(const std::vector<Taps>& taps, const std::uint8_t* input, std::ptrdiff_t input_stride,
                   std::uint8_t* output, std::ptrdiff_t output_stride) {
  for (const Taps& tap : taps) {
    int sum = 1 << (kWeightBits - 1);
    const std::uint8_t* sample = input + tap.first * input_stride;
    for (const int weight : tap.weights) {
      sum += *sample * weight;
      sample += input_stride;
    }
    *output = static_cast<std::uint8_t>(std::clamp(sum >> kWeightBits, 0, 255));
    output += output_stride;
  }
}

Image convolve_rows(const Image& in, const std::vector<Taps>& taps) {
  const auto channels = static_cast<std::size_t>(in.channels), lines = static_cast<std::size_t>(in.height);
  Image out{static_cast<int>(taps.size()), in.height, in.channels, {}};
  out.pixels.resize(lines * taps.size() * channels);
  for (std::size_t y = 0; y < lines; ++y)
    for (std::size_t c = 0; c < channels; ++c)
      convolve_line(taps, &in.pixels[y * static_cast<std::size_t>(in.width) * channels + c], in.channels,
                    &out.pixels[y * taps.size() * channels + c], in.channels);
  return out;
}

Image convolve_columns(const Image& in, const std::vector<Taps>& taps) {
  const std::size_t stride = static_cast<std::size_t>(in.width) * static_cast<std::size_t>(in.channels);
  Image out{in.width, static_cast<int>(taps.size()), in.channels, {}};
  out.pixels.resize(taps.size() * stride);
  for (std::size_t i = 0; i < stride; ++i)
    convolve_line(taps, &in.pixels[i], static_cast<std::ptrdiff_t>(stride), &out.pixels[i],
                  static_cast<std::ptrdiff_t>(stride));
  return out;
}

// Averages boxes of fx × fy pixels, smaller ones at the right and lower edge, rounded.
Image average_boxes(const Image& in, int fx, int fy) {
  Image out{(in.width + fx - 1) / fx, (in.height + fy - 1) / fy, in.channels, {}};
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x)
      for (int c = 0; c < in.channels; ++c) {
        const int right = std::min((x + 1) * fx, in.width), lower = std::min((y + 1) * fy, in.height);
        std::uint64_t sum = 0;
        for (int v = y * fy; v < lower; ++v)
          for (int u = x * fx; u < right; ++u)
            sum += in.pixels[(static_cast<std::size_t>(v) * static_cast<std::size_t>(in.width) +
                              static_cast<std::size_t>(u)) *
                                 static_cast<std::size_t>(in.channels) +
                             static_cast<std::size_t>(c)];
        const auto count = static_cast<std::uint64_t>((right - x * fx) * (lower - y * fy));
        // Pillow divides by a product with 2^24 / count
        out.pixels.push_back(static_cast<std::uint8_t>((sum + count / 2) * ((1U << 24) / count) >> 24));
      }
  return out;
}

// The passes' order decides how they round. Pillow 13 takes the columns first where they lose much more than
// the rows; older ones never do.
bool takes_columns_first(const Image& image, ImageArea to) {
  return to.height < image.height && image.height - to.height > 2 * (image.width - to.width);
}

struct Span {
  int begin, end;  // of input pixels
};

// The pixels that the taps touch, which count from the first of them on afterwards.
Span move_to_zero(std::vector<Taps>& taps) {
  Span touched{taps.front().first, 0};
  for (const Taps& tap : taps) {
    touched.begin = std::min(touched.begin, tap.first);
    touched.end = std::max(touched.end, tap.first + static_cast<int>(tap.weights.size()));
  }
  for (Taps& tap : taps) tap.first -= touched.begin;
  return touched;
}

Image cut(const Image& image, const Span& across, const Span& down) {
  Image out{across.end - across.begin, down.end - down.begin, image.channels, {}};
  const auto sample = [&](int x, int y) {
    return image.pixels.begin() + (static_cast<std::ptrdiff_t>(y) * image.width + x) * image.channels;
  };
  for (int y = down.begin; y < down.end; ++y)
    out.pixels.insert(out.pixels.end(), sample(across.begin, y), sample(across.end, y));
  return out;
}

}  // namespace

Image resize(const Image& image, int width, int height, ResizeFilter filter, bool reduce_first) {
  double covered_width = image.width, covered_height = image.height;  // of `result`
  Image result = image;
  const int fx = std::max(image.width / width, 1), fy = std::max(image.height / height, 1);
  if (reduce_first && (fx > 1 || fy > 1)) {
    result = average_boxes(image, fx, fy);
    covered_width = static_cast<float>(covered_width / fx);  // as coarse as Pillow keeps them
    covered_height = static_cast<float>(covered_height / fy);
  }
  const auto rows = [&] {
    if (result.width != width || covered_width != width)
      result = convolve_rows(result, make_taps(result.width, covered_width, width, filter, 0, width));
  };
  const auto columns = [&] {
    if (result.height != height || covered_height != height)
      result = convolve_columns(result, make_taps(result.height, covered_height, height, filter, 0, height));
  };
  const bool columns_first = takes_columns_first(result, {width, height});
  if (columns_first) columns();
  rows();
  if (!columns_first) columns();
  return result;
}

Image resize_and_crop(const Image& image, ImageArea whole, int width, int height, ResizeFilter filter) {
  const auto middle = [filter](int input, std::int64_t output, int wanted) {
    const int count = static_cast<int>(std::min<std::int64_t>(wanted, output));
    return make_taps(input, input, output, filter, (output - count) / 2, count);
  };
  std::vector<Taps> columns = middle(image.width, whole.width, width),
                    rows = middle(image.height, whole.height, height);
  const Span across = move_to_zero(columns), down = move_to_zero(rows);
  const Image part = cut(image, across, down);
  return takes_columns_first(image, whole) ? convolve_rows(convolve_columns(part, rows), columns)
                                           : convolve_columns(convolve_rows(part, columns), rows);
}

Image to_rgb(const Image& image) {
  if (image.channels == 3) return image;
  Image out{image.width, image.height, 3, {}};
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t i = 0; i < image.pixels.size(); i += channels)
    for (std::size_t c = 0; c < 3; ++c) out.pixels.push_back(image.pixels[i + (channels == 1 ? 0 : c)]);
  return out;
}

std::optional<Image> alpha_plane(const Image& image) {
  if (image.channels != 4) return std::nullopt;
  Image out{image.width, image.height, 1, {}};
  out.pixels.reserve(image.pixels.size() / 4);
  for (std::size_t i = 3; i < image.pixels.size(); i += 4) out.pixels.push_back(image.pixels[i]);
  return out;
}

Image to_gray(const Image& image) {
  if (image.channels == 1) return image;
  Image out{image.width, image.height, 1, {}};
  for (std::size_t i = 0; i < image.pixels.size(); i += static_cast<std::size_t>(image.channels)) {
    const int sum = 19595 * image.pixels[i] + 38470 * image.pixels[i + 1] + 7471 * image.pixels[i + 2];
    out.pixels.push_back(static_cast<std::uint8_t>((sum + 0x8000) >> 16));
  }
  return out;
}

}  // namespace unclip
