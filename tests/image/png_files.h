// Helpers of the image tests: a folder that goes away, files as strings, PNG chunks, and libpng's writer for
// the kinds of PNG that our own encoder never writes.
#pragma once

#include <gtest/gtest.h>
#include <png.h>
#include <zlib.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "image/png.h"
#include "temporary_folder.h"

namespace unclip::testing_png {

class Folder : public testing::Test {
 protected:
  std::filesystem::path save(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }

  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path;
};

inline std::string as_string(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Image gradient(int width, int height, int channels) {
  Image image{width, height, channels, {}};
  for (int i = 0; i < width * height * channels; ++i) {
    image.pixels.push_back(static_cast<std::uint8_t>(i * 37 + i / 11));
  }
  return image;
}

inline std::uint32_t number_at(const std::string& file, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    number = number << 8 | static_cast<unsigned char>(file[at + i]);
  }
  return number;
}

inline std::string number_bytes(std::uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16), static_cast<char>(number >> 8),
          static_cast<char>(number)};
}

inline std::uint32_t crc_of(const std::string& bytes) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

inline std::string chunk_bytes(const std::string& type, const std::string& data) {
  return number_bytes(static_cast<std::uint32_t>(data.size())) + type + data +
         number_bytes(crc_of(type + data));
}

inline std::string deflated(const std::string& data) {
  uLongf size = compressBound(data.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(data.data()),
           data.size());
  packed.resize(size);
  return packed;
}

// A PNG of any kind: `rows` as libpng takes them.
struct Kind {
  int depth = 8;
  int color = PNG_COLOR_TYPE_RGB;
  int interlace = PNG_INTERLACE_NONE;
};

inline void write_with_libpng(const std::filesystem::path& path, int width, Kind kind,
                              std::vector<std::string> rows, const std::vector<png_color>& palette = {},
                              const std::vector<png_byte>& palette_alpha = {}) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  std::FILE* file = std::fopen(path.c_str(), "wb");
  png_init_io(png, file);
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(rows.size()), kind.depth,
               kind.color, kind.interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty()) {
    png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  }
  if (!palette_alpha.empty()) {
    png_set_tRNS(png, info, palette_alpha.data(), static_cast<int>(palette_alpha.size()), nullptr);
  }
  std::vector<png_bytep> pointers;
  for (std::string& row : rows) {
    pointers.push_back(reinterpret_cast<png_bytep>(row.data()));
  }
  png_write_info(png, info);
  png_set_interlace_handling(png);
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  std::fclose(file);
}

// Standard output of a shell command; `status` gets its exit code.
inline std::string output_of(const std::string& command, int& status) {
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string text;
  std::array<char, 4096> buffer{};
  for (std::size_t count = 0; (count = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    text.append(buffer.data(), count);
  }
  status = WEXITSTATUS(pclose(pipe));
  return text;
}

inline bool installed(const std::string& tool) {
  int status = 0;
  output_of("command -v " + tool, status);
  return status == 0;
}

}  // namespace unclip::testing_png
