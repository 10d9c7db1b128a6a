// Images of either kind, told by their bytes, and files that are neither, cut off or broken.
#include "image/image_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "image/exif.h"
#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

const fs::path kImageFolder = fs::path(UNCLIP_TEST_DATA) / "kandinsky";

std::string bytes_of(const fs::path& file) {
  std::ostringstream bytes;
  bytes << std::ifstream(file, std::ios::binary).rdbuf();
  return bytes.str();
}

struct ImageFile : testing::Test {
  TemporaryFolder folder;
  fs::path file = folder.path / "picture";

  void expect_refused(const std::string& bytes, const std::string& part) {
    std::ofstream(file, std::ios::binary) << bytes;
    expect_refusal(ExitCode::io, part, [&] { read_image(file); });
  }
};

TEST_F(ImageFile, IsToldByItsBytes) {
  for (const char* name : {"init.png", "init.jpg"}) {
    fs::copy_file(kImageFolder / name, file, fs::copy_options::overwrite_existing);
    const Image image = read_image(file);
    EXPECT_EQ(image.width, 75) << name;
    EXPECT_EQ(image.height, 61) << name;
    EXPECT_EQ(image.channels, 3) << name;
    EXPECT_EQ(image.pixels.size(), 75u * 61 * 3) << name;
  }
}

// A damaged EXIF block turns nothing, and is read to its end at most.
TEST(Exif, IsReadOnlyWhereItIsWhole) {
  const std::string block("Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0", 28);
  EXPECT_EQ(exif_orientation(block), 6);
  for (size_t length = 0; length < block.size(); ++length)
    EXPECT_EQ(exif_orientation(block.substr(0, length)), std::nullopt) << length;
  std::string far = block;
  far[10] = '\xFF';
  EXPECT_EQ(exif_orientation(far), std::nullopt);
}

TEST_F(ImageFile, MayNotBeAnythingElse) {
  expect_refused("a caption", "not an image, expected a PNG, JPEG or WebP file");
  expect_refused("", "the file is empty");
  expect_refusal(ExitCode::io, "is a folder", [&] { read_image(folder.path); });
  expect_refusal(ExitCode::io, "cannot be read", [&] { read_image(folder.path / "absent.jpg"); });
}

TEST_F(ImageFile, MayNotBeCutOffOrBroken) {
  const std::string jpeg = bytes_of(kImageFolder / "init.jpg");
  for (size_t length = 3; length + 2 < jpeg.size(); length += 37)
    expect_refused(jpeg.substr(0, length), "the JPEG is corrupt or truncated: ");
  std::string wide = jpeg;  // 65,500 × 65,500 pixels in the frame header
  const size_t frame = wide.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  for (const size_t at : {5, 7}) wide[frame + at] = '\xFF', wide[frame + at + 1] = '\xDC';
  expect_refused(wide, "has 65500 x 65500 pixels, expected at most");
}

}  // namespace
}  // namespace unclip
