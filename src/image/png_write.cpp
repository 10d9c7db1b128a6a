// PNG encoder: stb_image_write compresses the pixels, then the text chunks, which it cannot write, are
// inserted behind the header chunk.
#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "image/png.h"
#include "png_chunks.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

namespace unclip {
namespace {

constexpr std::ptrdiff_t kEndOfHeader = 33;  // signature (8), then length, type, 13 bytes and CRC of IHDR

std::string text_chunk(const PngTextChunk& entry) {
  const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (std::all_of(entry.text.begin(), entry.text.end(), ascii)) {
    return png_chunk("tEXt", entry.keyword + '\0' + entry.text);
  }
  // not compressed, method 0, no language tag, no translated keyword
  return png_chunk("iTXt", entry.keyword + std::string(5, '\0') + entry.text);
}

void append_bytes(void* context, void* data, int size) {
  const auto* start = static_cast<const std::byte*>(data);
  auto& file = *static_cast<std::vector<std::byte>*>(context);
  file.insert(file.end(), start, start + size);
}

}  // namespace

std::vector<std::byte> encode_png(const Image& image, const PngText& text) {
  std::vector<std::byte> file;
  stbi_write_png_to_func(append_bytes, &file, image.width, image.height, image.channels, image.pixels.data(),
                         image.width * image.channels);
  std::string chunks;
  for (const PngTextChunk& entry : text) {
    chunks += text_chunk(entry);
  }
  const auto* start = reinterpret_cast<const std::byte*>(chunks.data());
  file.insert(file.begin() + kEndOfHeader, start, start + chunks.size());
  return file;
}

}  // namespace unclip
