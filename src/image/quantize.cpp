// Cuts the box of all colors again and again: the box whose colors lie farthest apart, across the channel in
// which they do, at their mean. Each box is drawn in the mean of its pixels.
#include "image/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>

namespace unclip {
namespace {

constexpr std::size_t kMostColors = 256;

struct Box {
  std::span<std::uint32_t> members;  // numbers of pixels
  std::array<double, 3> mean{};
  std::size_t channel = 0;  // the one with the largest error
  double error = 0;         // in it: the sum of squared distances from the mean
};

Box measured(std::span<std::uint32_t> members, const Image& image) {
  Box box{.members = members};
  const auto count = static_cast<double>(members.size());
  for (std::size_t c = 0; c < 3; ++c) {
    double sum = 0, squares = 0;
    for (const std::size_t i : members) {
      const double value = image.pixels[3 * i + c];
      sum += value;
      squares += value * value;
    }
    box.mean[c] = sum / count;
    const double error = squares - sum * sum / count;
    if (error > box.error) box.channel = c, box.error = error;
  }
  return box;
}

// Into both halves; the error, which is not 0, says that neither is empty.
void cut(Box& box, std::vector<Box>& boxes, const Image& image) {
  const auto is_low = [&, c = box.channel, mean = box.mean[box.channel]](std::size_t i) {
    return image.pixels[3 * i + c] <= mean;
  };
  const auto middle = std::partition(box.members.begin(), box.members.end(), is_low);
  const auto low = static_cast<std::size_t>(middle - box.members.begin());
  const std::span<std::uint32_t> members = box.members;
  box = measured(members.first(low), image);
  boxes.push_back(measured(members.subspan(low), image));
}

}  // namespace

Quantized quantized(const Image& image) {
  constexpr double kAlike = 0.25;  // less is rounding: two pixels that are one level apart have 0.5
  std::vector<std::uint32_t> order(image.pixels.size() / 3);
  std::iota(order.begin(), order.end(), 0U);
  std::vector<Box> boxes{measured(order, image)};
  boxes.reserve(kMostColors);
  const auto nearer = [](const Box& a, const Box& b) { return a.error < b.error; };
  while (boxes.size() < kMostColors) {
    Box& widest = *std::max_element(boxes.begin(), boxes.end(), nearer);
    if (widest.error < kAlike) break;
    cut(widest, boxes, image);
  }
  Quantized out{.colors = {}, .pixels = std::vector<std::uint8_t>(order.size())};
  for (const Box& box : boxes) {
    for (const std::size_t i : box.members) out.pixels[i] = static_cast<std::uint8_t>(out.colors.size());
    std::array<std::uint8_t, 3> color{};
    for (std::size_t c = 0; c < 3; ++c) color[c] = static_cast<std::uint8_t>(std::lround(box.mean[c]));
    out.colors.push_back(color);
  }
  return out;
}

}  // namespace unclip
