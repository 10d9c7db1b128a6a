// Walks a PNG's chunks (ISO 15948, section 5.3): length, type, data, checksum.
#include "png_chunks.h"

#include <zlib.h>

#include <charconv>

#include "image/exif.h"

namespace unclip {
namespace {

constexpr std::size_t kAround = 12;              // of each chunk, beside its data
constexpr std::size_t kMostUnpacked = 4U << 20;  // of a text: EXIF as hex digits has 0.13 MB at most

std::size_t big_endian(std::string_view bytes) {
  std::size_t value = 0;
  for (const char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

void append_number(std::string& to, std::uint32_t number) {  // big-endian
  for (const int shift : {24, 16, 8, 0}) to += static_cast<char>(number >> shift & 0xff);
}

// Up to the NUL that ends it; `rest` is left with what follows.
std::string_view take_word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\0'), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

std::string unpacked(std::string_view packed) {
  std::string text(std::min(packed.size() * 1100, kMostUnpacked), '\0');
  uLongf size = text.size();
  if (uncompress(reinterpret_cast<Bytef*>(text.data()), &size, reinterpret_cast<const Bytef*>(packed.data()),
                 packed.size()) != Z_OK)
    return {};
  text.resize(size);
  return text;
}

// "\nexif\n  26\n4578…": the bytes that the hex digits from the fourth line on stand for.
std::string from_hex_lines(std::string_view text) {
  for (int line = 0; line < 3; ++line) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  std::string bytes, digits;
  for (const char c : text) {
    if (c == '\n') continue;
    digits += c;
    if (digits.size() < 2) continue;
    unsigned char byte = 0;
    std::from_chars(digits.data(), digits.data() + 2, byte, 16);
    bytes += static_cast<char>(byte);
    digits.clear();
  }
  return bytes;
}

// What may tell how the camera was held.
struct Notes {
  std::string exif, profile, xmp;

  void read(std::string_view type, std::string_view data) {
    if (type == "eXIf") exif = data;
    if (type != "tEXt" && type != "zTXt" && type != "iTXt") return;
    const std::string_view keyword = take_word(data);
    if (keyword != "Raw profile type exif" && keyword != "XML:com.adobe.xmp") return;
    bool is_packed = type == "zTXt";
    if (type == "iTXt") {
      is_packed = data.starts_with('\1');
      data.remove_prefix(std::min<std::size_t>(2, data.size()));
      take_word(data);  // language
      take_word(data);  // translated keyword
    } else if (is_packed) {
      data.remove_prefix(std::min<std::size_t>(1, data.size()));
    }
    const std::string text = is_packed ? unpacked(data) : std::string(data);
    if (keyword == "XML:com.adobe.xmp")
      xmp = text;
    else if (!text.empty())
      profile = from_hex_lines(text);
  }
};

}  // namespace

PngChunks scan_png(std::string_view file) {
  PngChunks chunks;
  Notes notes;
  std::size_t& at = chunks.end = kSignatureBytes;
  while (file.size() - at >= kAround && !chunks.is_whole) {
    const std::size_t length = big_endian(file.substr(at)), left = file.size() - at - kAround;
    const std::string_view type = file.substr(at + 4, 4);
    if (type == "IDAT") chunks.pixel_bytes += std::min(length, left);
    if (length > left) {
      if (type == "IDAT") at = file.size();
      break;
    }
    notes.read(type, file.substr(at + 8, length));
    chunks.is_whole = type == "IEND";
    at += kAround + length;
  }
  chunks.orientation =
      exif_orientation(notes.exif.empty() ? notes.profile : notes.exif).value_or(xmp_orientation(notes.xmp));
  return chunks;
}

std::string png_chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  std::string bytes;
  append_number(bytes, static_cast<std::uint32_t>(data.size()));
  bytes += body;
  const auto* start = reinterpret_cast<const Bytef*>(body.data());
  append_number(bytes, static_cast<std::uint32_t>(crc32(0, start, static_cast<uInt>(body.size()))));
  return bytes;
}

PngPixels find_pixels(std::string_view file) {
  PngPixels pixels;
  for (std::size_t at = kSignatureBytes; file.size() - at >= kAround;) {
    const std::size_t length = big_endian(file.substr(at)), next = at + kAround + length;
    if (file.substr(at + 4, 4) == "IDAT") {
      if (pixels.packed.empty()) pixels.begin = at;
      pixels.packed += file.substr(at + 8, length);
      pixels.end = next;
    }
    at = next;
  }
  return pixels;
}

}  // namespace unclip
