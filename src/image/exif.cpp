// The orientation tag (see the header).
#include "image/exif.h"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace unclip {
namespace {

// Numbers of the TIFF structure in either byte order; 0 beyond its end.
class Tiff {
 public:
  explicit Tiff(std::string_view bytes) : bytes_(bytes), little_endian_(bytes.starts_with("II")) {}

  bool holds(std::size_t at, std::size_t length) const {
    return at <= bytes_.size() && length <= bytes_.size() - at;
  }

  std::uint64_t number(std::size_t at, std::size_t length) const {
    if (!holds(at, length)) return 0;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < length; ++i)
      value = value << 8 | static_cast<unsigned char>(bytes_[at + (little_endian_ ? length - 1 - i : i)]);
    return value;
  }

  // The first number of the entry at `at`, whose values lie in it or where it points to; 0 for other types.
  double value_of(std::size_t at) const {
    const std::uint64_t type = number(at + 2, 2), count = number(at + 4, 4);
    const std::size_t size = type < std::size(kBytes) ? kBytes[type] : 0;
    if (size == 0 || count == 0) return 0;
    const std::size_t place = size * count <= 4 ? at + 8 : number(at + 8, 4);
    if (type == kRational || type == kSignedRational)
      return static_cast<double>(number(place, 4)) / static_cast<double>(number(place + 4, 4));
    const std::uint64_t value = number(place, size);
    if (type == kFloat) return std::bit_cast<float>(static_cast<std::uint32_t>(value));
    return type == kDouble ? std::bit_cast<double>(value) : static_cast<double>(value);
  }

 private:
  // Of one value, by type. Bytes and texts are no numbers to Pillow.
  static constexpr std::uint8_t kBytes[] = {0, 0, 0, 2, 4, 8, 1, 0, 2, 4, 8, 4, 8, 4, 0, 0, 8};
  static constexpr std::uint64_t kRational = 5, kSignedRational = 10, kFloat = 11, kDouble = 12;

  std::string_view bytes_;
  bool little_endian_;
};

}  // namespace

std::optional<int> exif_orientation(std::string_view block) {
  constexpr std::string_view kName("Exif\0\0", 6);
  constexpr std::size_t kOrientationTag = 0x0112, kEntryBytes = 12;
  while (block.starts_with(kName)) block.remove_prefix(kName.size());
  if (!block.starts_with("II") && !block.starts_with("MM")) return std::nullopt;
  const Tiff tiff(block);
  const std::size_t list = tiff.number(4, 4), entries = tiff.number(list, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = list + 2 + i * kEntryBytes;
    if (!tiff.holds(entry, kEntryBytes)) return std::nullopt;
    if (tiff.number(entry, 2) != kOrientationTag) continue;
    const double value = tiff.value_of(entry);
    for (int orientation = 1; orientation <= 8; ++orientation)
      if (value == orientation) return orientation;
    return 1;
  }
  return std::nullopt;
}

int xmp_orientation(std::string_view xmp) {
  constexpr std::string_view kTag = "tiff:Orientation";
  for (std::size_t at = 0; (at = xmp.find(kTag, at)) != xmp.npos;) {
    std::string_view rest = xmp.substr(at += kTag.size());
    if (!rest.starts_with("=\"") && !rest.starts_with(">")) continue;
    rest.remove_prefix(rest[0] == '=' ? 2 : 1);
    if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9')
      return rest[0] >= '1' && rest[0] <= '8' ? rest[0] - '0' : 1;
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
