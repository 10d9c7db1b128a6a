// Images of every kind against the pixels that Pillow gives (scripts/golden/images.py), and files that
// promise more than they hold.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "image/good_files.h"
#include "image/image_file.h"
#include "image/png_files.h"
#include "image/resize.h"
#include "peak_memory.h"
#include "refusal.h"

namespace unclip {
namespace {

using testing_files::from_hex;
using testing_files::good_file;
using testing_png::chunk_bytes;
using testing_png::number_bytes;

TEST(Pillow, GivesTheSamePixels) {
  int count = 0, largest = 0;
  for (const nlohmann::json& expected : testing_files::entries()) {
    ++count;
    SCOPED_TRACE(expected["name"].dump());
    const Image decoded = decode_image(from_hex(expected["file"]), "picture"), image = to_rgb(decoded);
    const std::optional<Image> alpha = alpha_plane(decoded);
    ASSERT_EQ(alpha.has_value(), expected.contains("alpha"));
    if (alpha) {
      const std::string values = from_hex(expected["alpha"]);
      EXPECT_EQ(std::string(alpha->pixels.begin(), alpha->pixels.end()), values);
    }
    EXPECT_EQ(image.width, expected["width"]);
    EXPECT_EQ(image.height, expected["height"]);
    const std::string rgb = from_hex(expected["rgb"]);
    ASSERT_EQ(image.pixels.size(), rgb.size());
    int difference = 0;
    for (size_t i = 0; i < rgb.size(); ++i)
      difference = std::max(difference, std::abs(image.pixels[i] - static_cast<uint8_t>(rgb[i])));
    EXPECT_LE(difference, expected.value("largest", 0));
    largest = std::max(largest, difference);
  }
  EXPECT_EQ(count, 125);
  std::printf("largest difference: %d\n", largest);
}

std::string png_of(uint32_t width, uint32_t height, const std::string& chunks) {
  const std::string header = number_bytes(width) + number_bytes(height) + std::string("\x08\x02\0\0\0", 5);
  return "\x89PNG\r\n\x1a\n" + chunk_bytes("IHDR", header) + chunks;
}

TEST(SmallFile, TakesLittleMemoryWhateverItPromises) {
  const long before = peak_kilobytes();
  const auto refuse = [](const std::string& file, const std::string& part) {
    expect_refusal(ExitCode::io, part, [&] { decode_image(file, "picture"); });
  };
  refuse(png_of(10'001, 10'000, chunk_bytes("IDAT", "x")),
         "has 10001 x 10000 pixels, expected at most 100 megapixels");
  refuse(png_of(2'000'000'000, 2'000'000'000, chunk_bytes("IDAT", "x")), "100 megapixels");
  refuse(png_of(10'000, 10'000, chunk_bytes("IDAT", "x")), "truncated");
  refuse(png_of(100'000'000, 1, chunk_bytes("IDAT", "x")), "truncated");
  for (const char* type : {"IDAT", "eXIf", "zTXt", "iCCP", "juNk"})  // 2 GB, says the length
    refuse(png_of(1, 1, std::string("\x7f\xff\xff\xff", 4) + type + "x"), "truncated");
  for (const std::string& jpeg : {good_file("jpeg"), good_file("jpeg progressive")}) {
    std::string large = jpeg.substr(0, jpeg.find("\xff\xda") + 20);
    const size_t frame = large.find(jpeg.find("\xff\xc2") == jpeg.npos ? "\xff\xc0" : "\xff\xc2");
    large.replace(frame + 5, 4, "\x27\x10\x27\x10");  // 10,000 × 10,000
    refuse(large, "the JPEG is corrupt or truncated");
  }
  EXPECT_LT(peak_kilobytes() - before, 400'000);  // libjpeg clears its coefficients before it misses any
}

TEST(Place, MayHoldARegularFileOnly) {
  const TemporaryFolder folder;
  const std::filesystem::path pipe = folder.path / "a.png";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  expect_refusal(ExitCode::io, "is a FIFO", [&] { read_image(pipe); });
  expect_refusal(ExitCode::io, "is a device", [&] { read_image("/dev/zero"); });
  expect_refusal(ExitCode::io, "is a folder", [&] { read_image(folder.path); });
}

}  // namespace
}  // namespace unclip
