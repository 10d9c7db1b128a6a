// APNG: the first frame is a PNG that every viewer shows; three kinds of chunk hold what moves. Each frame is
// encoded as a PNG of its own, and its compressed pixels are taken over.
#include <span>

#include "image/animation.h"
#include "png_chunks.h"

namespace unclip {
namespace {

std::string big_endian(std::uint32_t number, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) text += static_cast<char>(number >> shift & 0xff);
  return text;
}

std::string_view as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Size, place, time and how it is drawn: it replaces the last frame.
std::string frame_control(std::uint32_t sequence, const Image& frame, int frame_ms) {
  constexpr std::uint32_t kMillisecondsPerSecond = 1000;
  const auto number = [](int value) { return big_endian(static_cast<std::uint32_t>(value), 4); };
  return png_chunk("fcTL", big_endian(sequence, 4) + number(frame.width) + number(frame.height) + number(0) +
                               number(0) + big_endian(static_cast<std::uint32_t>(frame_ms), 2) +
                               big_endian(kMillisecondsPerSecond, 2) + std::string(2, '\0'));
}

}  // namespace

std::vector<std::byte> encode_apng(const Frames& frames, int frame_ms, const PngText& text) {
  const std::span<const Image> images = frames.images();
  const std::vector<std::byte> first = encode_png(images.front(), text);
  const PngPixels pixels = find_pixels(as_text(first));
  std::string file(as_text(first).substr(0, pixels.begin));
  const auto count = static_cast<std::uint32_t>(images.size());
  file += png_chunk("acTL", big_endian(count, 4) + big_endian(0, 4));  // 0: repeats for ever
  file += frame_control(0, images.front(), frame_ms);
  file += as_text(first).substr(pixels.begin, pixels.end - pixels.begin);
  std::uint32_t sequence = 1;
  for (const Image& frame : images.subspan(1)) {
    const std::vector<std::byte> png = encode_png(frame);
    file += frame_control(sequence++, frame, frame_ms);
    file += png_chunk("fdAT", big_endian(sequence++, 4) + find_pixels(as_text(png)).packed);
  }
  file += as_text(first).substr(pixels.end);
  const auto* bytes = reinterpret_cast<const std::byte*>(file.data());
  return {bytes, bytes + file.size()};
}

}  // namespace unclip
