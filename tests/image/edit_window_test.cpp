// Cutting out what an edit works on, and putting it back.
#include "image/edit_window.h"

#include <gtest/gtest.h>

#include <random>

#include "refusal.h"

namespace unclip {
namespace {

Image noise(std::mt19937& random, int width, int height, int channels) {
  Image image{width, height, channels, {}};
  image.pixels.resize(static_cast<size_t>(width) * static_cast<size_t>(height * channels));
  for (auto& value : image.pixels) value = static_cast<uint8_t>(random() % 256);
  return image;
}

// A few white rectangles on black.
Image rectangles(std::mt19937& random, int width, int height) {
  Image mask{width, height, 1, std::vector<uint8_t>(static_cast<size_t>(width * height))};
  for (auto n = random() % 3 + 1; n > 0; --n) {
    const int left = static_cast<int>(random() % static_cast<unsigned>(width)),
              top = static_cast<int>(random() % static_cast<unsigned>(height));
    for (int y = top; y < std::min(height, top + 1 + height / 3); ++y)
      for (int x = left; x < std::min(width, left + 1 + width / 4); ++x)
        mask.pixels[static_cast<size_t>(y * width + x)] = 255;
  }
  return mask;
}

TEST(EditWindow, KeepsUnmaskedPixelsBitForBitOn100RandomMasks) {
  std::mt19937 random(5);
  for (int i = 0; i < 100; ++i) {
    const int width = 20 + static_cast<int>(random() % 300), height = 20 + static_cast<int>(random() % 300);
    const Image image = noise(random, width, height, 3), mask = rectangles(random, width, height);
    const EditCanvas canvas = edit_canvas(image, nullptr, &mask, {});
    const Window window = edit_window(canvas, 64, 64);
    const EditCanvas part = cut_out(canvas, window, 64, 64);
    ASSERT_EQ(part.image.width, 64);
    ASSERT_EQ(part.mask.height, 64);
    const int feather = static_cast<int>(random() % 8);
    const Image result = put_back(canvas, window, noise(random, 64, 64, 3), feather);
    size_t repainted = 0, white = 0;
    for (size_t p = 0; p < mask.pixels.size(); ++p)
      for (size_t c = 0; c < 3; ++c) {
        const bool same = result.pixels[3 * p + c] == image.pixels[3 * p + c];
        if (mask.pixels[p] == 0) {
          ASSERT_TRUE(same) << "mask " << i << ", pixel " << p;
        }
        white += mask.pixels[p] != 0;
        repainted += !same;
      }
    EXPECT_GT(repainted, white / 4) << "mask " << i;
  }
}

TEST(EditWindow, WorksAroundTheMaskAtTheModelsOwnSize) {
  std::mt19937 random(6);
  const Image image = noise(random, 1000, 800, 3);
  Image mask{1000, 800, 1, std::vector<uint8_t>(800000)};
  for (int y = 700; y < 720; ++y)
    for (int x = 980; x < 1000; ++x) mask.pixels[static_cast<size_t>(y * 1000 + x)] = 255;
  const EditCanvas canvas = edit_canvas(image, nullptr, &mask, {});
  const Window window = edit_window(canvas, 256, 256);
  EXPECT_EQ(window.width, 256);
  EXPECT_EQ(window.height, 256);
  EXPECT_EQ(window.x, 1000 - 256);
  EXPECT_EQ(window.y, 800 - 256);
  const Image small = cut_out(canvas, window, 256, 256).image;  // not resized: the pixels themselves
  EXPECT_EQ(small.pixels[0], image.pixels[static_cast<size_t>(3 * (window.y * 1000 + window.x))]);
}

TEST(EditWindow, OutpaintingEnlargesTheCanvasAndRepaintsItsMargins) {
  std::mt19937 random(7);
  const Image image = noise(random, 40, 30, 3);
  const EditCanvas canvas = edit_canvas(image, nullptr, nullptr, {10, 5, 20, 0});
  EXPECT_EQ(canvas.image.width, 70);
  EXPECT_EQ(canvas.image.height, 35);
  const Window window = edit_window(canvas, 64, 64);
  const Image result = put_back(canvas, window, noise(random, 64, 64, 3), 0);
  for (int y = 0; y < 30; ++y)
    for (int x = 0; x < 120; ++x)
      ASSERT_EQ(result.pixels[static_cast<size_t>((y + 5) * 210 + 30 + x)],
                image.pixels[static_cast<size_t>(y * 120 + x)]);
}

TEST(EditWindow, TransparentPartsAreRepaintedWhereNoMaskSaysMore) {
  std::mt19937 random(8);
  const Image image = noise(random, 8, 8, 3);
  Image alpha{8, 8, 1, std::vector<uint8_t>(64, 255)};
  alpha.pixels[9] = 0;
  EXPECT_EQ(edit_canvas(image, &alpha, nullptr, {}).mask.pixels[9], 255);
  EXPECT_EQ(edit_canvas(image, &alpha, nullptr, {}).mask.pixels[10], 0);
  Image mask{8, 8, 1, std::vector<uint8_t>(64)};
  mask.pixels[10] = 255;
  EXPECT_EQ(edit_canvas(image, &alpha, &mask, {}).mask.pixels[9], 0);
}

TEST(EditWindow, FeatheringFadesInFromTheMasksEdge) {
  const Image black{9, 1, 3, std::vector<uint8_t>(27)}, white{9, 1, 3, std::vector<uint8_t>(27, 240)};
  const Image mask{9, 1, 1, {0, 255, 255, 255, 255, 255, 255, 255, 255}};
  const EditCanvas canvas = edit_canvas(black, nullptr, &mask, {});
  const Image faded = put_back(canvas, {0, 0, 9, 1}, white, 3);
  for (const auto& [x, value] : {std::pair{0, 0}, {1, 60}, {2, 120}, {3, 180}, {4, 240}, {8, 240}})
    EXPECT_EQ(faded.pixels[static_cast<size_t>(3 * x)], value) << x;
}

TEST(EditWindow, RefusesWhatCannotBeEdited) {
  const Image image{4, 4, 3, std::vector<uint8_t>(48)}, black{4, 4, 1, std::vector<uint8_t>(16)},
      small{3, 4, 1, std::vector<uint8_t>(12, 255)};
  expect_refusal(ExitCode::usage, "a white part to repaint",
                 [&] { edit_canvas(image, nullptr, &black, {}); });
  expect_refusal(ExitCode::usage, "a white part to repaint",
                 [&] { edit_canvas(image, nullptr, nullptr, {}); });
  expect_refusal(ExitCode::usage, "expected 4x4 pixels", [&] { edit_canvas(image, nullptr, &small, {}); });
  const Image wide{9000, 1, 3, std::vector<std::uint8_t>(27'000)};
  expect_refusal(ExitCode::usage, "expected an image of at most 8192 pixels per side, found 9000x1",
                 [&] { edit_canvas(wide, nullptr, nullptr, {}); });
  expect_refusal(ExitCode::usage, "outpaint: expected a canvas of at most 8192", [&] {
    edit_canvas(image, nullptr, nullptr, {9000, 0, 0, 0});
  });
}

}  // namespace
}  // namespace unclip
