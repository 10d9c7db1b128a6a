// EXIF's orientation tag (see the header).
#include "unclip/image/exif.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace unclip {
namespace {

// Numbers of the TIFF structure in either byte order; 0 beyond its end.
class Tiff {
 public:
  explicit Tiff(std::span<const std::uint8_t> bytes)
      : bytes_(bytes), little_endian_(!bytes.empty() && bytes[0] == 'I') {}

  std::size_t number(std::size_t at, std::size_t length) const {
    if (at > bytes_.size() || length > bytes_.size() - at) return 0;
    std::size_t value = 0;
    for (std::size_t i = 0; i < length; ++i)
      value = value << 8 | bytes_[at + (little_endian_ ? length - 1 - i : i)];
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  bool little_endian_;
};

}  // namespace

int exif_orientation(std::span<const std::uint8_t> block) {
  constexpr std::string_view kName("Exif\0\0", 6);
  constexpr std::size_t kOrientationTag = 0x0112, kEntryBytes = 12;
  if (block.size() < kName.size() || !std::equal(kName.begin(), kName.end(), block.begin())) return 1;
  const Tiff tiff(block.subspan(kName.size()));
  const std::size_t list = tiff.number(4, 4), entries = tiff.number(list, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = list + 2 + i * kEntryBytes;
    if (tiff.number(entry, 2) != kOrientationTag) continue;
    const auto orientation = static_cast<int>(tiff.number(entry + 8, 2));
    return orientation >= 1 && orientation <= 8 ? orientation : 1;
  }
  return 1;
}

Image turned_upright(Image image, int orientation) {
  if (orientation == 1) return image;
  const bool swapped = orientation >= 5;  // width and height
  const bool from_right = orientation == 2 || orientation == 3 || orientation >= 7;
  const bool from_below = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image out{swapped ? image.height : image.width, swapped ? image.width : image.height, image.channels, {}};
  out.pixels.reserve(image.pixels.size());
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      const int across = swapped ? y : x, down = swapped ? x : y;
      const auto column = static_cast<std::ptrdiff_t>(from_right ? image.width - 1 - across : across);
      const auto row = static_cast<std::ptrdiff_t>(from_below ? image.height - 1 - down : down);
      const auto pixel = image.pixels.begin() + (row * image.width + column) * image.channels;
      out.pixels.insert(out.pixels.end(), pixel, pixel + image.channels);
    }
  return out;
}

}  // namespace unclip
