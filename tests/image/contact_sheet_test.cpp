// Contact sheets: where images and captions stand, sheets that are not full, captions of any length.
#include "image/contact_sheet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "image/metadata.h"
#include "image/png_files.h"
#include "refusal.h"

namespace unclip {
namespace {

using namespace testing_png;

Image plain(int side, std::uint8_t red) {
  Image image{side, side, 3, {}};
  for (int i = 0; i < side * side; ++i) image.pixels.insert(image.pixels.end(), {red, 10, 200});
  return image;
}

std::vector<int> pixel(const Image& image, int x, int y) {
  const auto at = image.pixels.begin() + (static_cast<ptrdiff_t>(y) * image.width + x) * 3;
  return {at[0], at[1], at[2]};
}

struct Box {
  int left = 1 << 30, top = 1 << 30, right = -1, bottom = -1, count = 0;
};

// Of the dark gray pixels: the text's.
Box ink(const Image& image) {
  Box box;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x) {
      const auto p = pixel(image, x, y);
      if (p[0] != p[1] || p[1] != p[2] || p[0] > 128) continue;
      box = {std::min(box.left, x), std::min(box.top, y), std::max(box.right, x), std::max(box.bottom, y),
             box.count + 1};
    }
  return box;
}

TEST(ContactSheet, ImagesStandInReadingOrderInTheMiddleOfTheirCells) {
  std::vector<CaptionedImage> images;
  for (int i = 0; i < 5; ++i)
    images.push_back({plain(i == 1 ? 32 : 64, static_cast<std::uint8_t>(40 * i)), ""});
  const Image sheet = contact_sheet(images, {.columns = 3, .rows = 4});
  EXPECT_EQ(sheet.width % 3, 0);
  EXPECT_EQ(sheet.height % 2, 0) << "two rows are enough for five pictures";
  const int width = sheet.width / 3, height = sheet.height / 2;
  const auto middle_of_image = [&](int i) {
    return pixel(sheet, i % 3 * width + width / 2, i / 3 * height + 8 + 32);
  };
  for (int i = 0; i < 5; ++i) EXPECT_EQ(middle_of_image(i), (std::vector{40 * i, 10, 200})) << i;
  EXPECT_EQ(middle_of_image(5), (std::vector{255, 255, 255}));
  EXPECT_EQ(pixel(sheet, width + width / 2, 8 + 8), (std::vector{255, 255, 255})) << "32 pixels, not 64";
  EXPECT_EQ(std::ranges::count(sheet.pixels, 10), 4 * 64 * 64 + 32 * 32) << "all pixels of all pictures";
}

TEST(ContactSheet, CaptionsStandBelowWithinTheirCell) {
  const auto sheet_of = [](const std::string& caption) {
    return contact_sheet(std::vector<CaptionedImage>{{plain(64, 0), caption}}, {1, 1});
  };
  const Image none = sheet_of(""), one = sheet_of("a red circle");
  EXPECT_EQ(ink(none).count, 0);
  const Box short_text = ink(one);
  EXPECT_GT(short_text.count, 100);
  EXPECT_GE(short_text.top, 8 + 64);
  EXPECT_NEAR(short_text.left, one.width - 1 - short_text.right, 3) << "centered";
  std::string sentence;
  for (int i = 0; i < 60; ++i) sentence += "word ";
  for (const std::string& text : {sentence, std::string(500, 'w'), std::string("\u4f60\u597d \U0001F431"),
                                  std::string("two\nlines\x01")}) {
    const Image sheet = sheet_of(text);
    const Box box = ink(sheet);
    EXPECT_EQ(sheet.pixels.size(), one.pixels.size());
    EXPECT_GT(box.count, 0) << text;
    EXPECT_GE(box.left, 8) << text;
    EXPECT_LT(box.right, sheet.width - 8) << text;
    EXPECT_GE(box.top, 8 + 64) << text;
    EXPECT_LT(box.bottom, sheet.height - 1) << text;
  }
}

// Measuring it again without its last character, and again, would take hours.
TEST(ContactSheet, ACaptionOfMegabytesIsCutAtOnce) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& piece : {std::string("w"), std::string("word "), std::string("\u4f60")}) {
    std::string text;
    while (text.size() < 1 << 20) text += piece;
    const Image sheet = contact_sheet(std::vector<CaptionedImage>{{plain(64, 0), text}}, {1, 1});
    text.resize(3 * 200);
    EXPECT_EQ(sheet.pixels, contact_sheet(std::vector<CaptionedImage>{{plain(64, 0), text}}, {1, 1}).pixels);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(ContactSheet, AImageThatIsMissingLeavesItsCaption) {
  const Image sheet =
      contact_sheet(std::vector<CaptionedImage>{{plain(64, 0), "a"}, {Image{}, "failed"}}, {2, 1});
  EXPECT_EQ(pixel(sheet, sheet.width * 3 / 4, 8 + 32), (std::vector{255, 255, 255}));
  EXPECT_GT(ink(sheet).right, sheet.width / 2);
}

TEST(ContactSheet, TooLargeASheetIsRefused) {
  const std::vector<CaptionedImage> row(300);
  expect_refusal(ExitCode::usage, "too large", [&] { contact_sheet(row, {300, 1}); });
}

class SheetFile : public Folder {};

TEST_F(SheetFile, OtherProgramsAcceptIt) {
  const std::vector<CaptionedImage> images(7, {plain(64, 77), "a red circle"});
  const auto path =
      save("sheet.png", as_string(encode_png(contact_sheet(images, {4, 4}), source_type_text())));
  int status = 0;
  std::string text = output_of("pngcheck -v " + path.string(), status);
  EXPECT_EQ(status, 0) << text;
  EXPECT_NE(text.find("No errors detected"), std::string::npos) << text;
  text = output_of("exiftool -a -G1 -n " + path.string(), status);
  EXPECT_EQ(status, 0) << text;
  EXPECT_NE(text.find("digitalsourcetype/trainedAlgorithmicMedia"), std::string::npos) << text;
  EXPECT_EQ(text.find("Warning"), std::string::npos) << text;
}

}  // namespace
}  // namespace unclip
