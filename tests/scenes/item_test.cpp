// Game items: each fills its place, is unlike the others, shows its color; captions are true.
#include "scenes/item.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "scenes/pixels_apart.h"

namespace unclip {
namespace {

constexpr int kItemSize = 64;
constexpr double kHalf = 0.35;

std::vector<uint8_t> painted(Item item, Rgb base, Rgb background) {
  Canvas canvas(kItemSize);
  canvas.fill(background);
  const Local local(canvas, {0.5, 0.5}, kHalf);
  paint_item(canvas, item, base);
  return canvas.rgb();
}

TEST(Item, FillsItsPlaceAndNoMore) {
  const Rgb background = center(Color::white), base = center(Color::blue);
  for (int i = 0; i < item_count; ++i) {
    const std::vector<uint8_t> pixels = painted(static_cast<Item>(i), base, background);
    int inside = 0, outside = 0;
    for (int y = 0; y < kItemSize; ++y) {
      for (int x = 0; x < kItemSize; ++x) {
        const uint8_t* p = &pixels[static_cast<size_t>((y * kItemSize + x) * 3)];
        if (std::abs(p[0] - 245) + std::abs(p[1] - 245) + std::abs(p[2] - 245) <= 12) continue;
        const double reach =
            std::max(std::abs((x + 0.5) / kItemSize - 0.5), std::abs((y + 0.5) / kItemSize - 0.5));
        ++(reach < 1.08 * kHalf ? inside : outside);
      }
    }
    const std::string_view word = name(static_cast<Item>(i));
    std::printf("%s fills %.3f of the picture\n", word.data(), inside / double{kItemSize * kItemSize});
    EXPECT_GE(inside, 0.08 * kItemSize * kItemSize) << word;
    EXPECT_EQ(outside, 0) << word;
  }
}

TEST(Item, IsUnlikeTheOthers) {
  const Rgb background = center(Color::white), base = center(Color::green);
  for (int i = 0; i < item_count; ++i) {
    for (int j = 0; j < i; ++j) {
      EXPECT_GT(pixels_apart(painted(static_cast<Item>(i), base, background),
                             painted(static_cast<Item>(j), base, background), 40),
                0.05)
          << name(static_cast<Item>(i)) << " " << name(static_cast<Item>(j));
    }
  }
}

// Of the twelve colors the named one covers the most.
TEST(Item, ShowsItsColor) {
  for (int i = 0; i < item_count; ++i) {
    for (const Color color : {Color::red, Color::yellow, Color::green, Color::blue, Color::purple}) {
      const Rgb background{0.5, 0.75, 0.5};
      const std::vector<uint8_t> with = painted(static_cast<Item>(i), center(color), background);
      int near = 0;
      for (size_t p = 0; p < with.size(); p += 3) {
        const Rgb c = center(color);
        near +=
            std::hypot(with[p] / 255.0 - c.r, with[p + 1] / 255.0 - c.g, with[p + 2] / 255.0 - c.b) < 0.32;
      }
      EXPECT_GT(near, 0.02 * kItemSize * kItemSize) << name(color) << " " << name(static_cast<Item>(i));
    }
  }
}

TEST(Item, CaptionsNameThingAndFinish) {
  Rng rng(1);
  std::set<std::string> seen;
  int colored = 0;
  for (int i = 0; i < 6000; ++i) {
    const std::string caption = make_item(rng, Style::flat).caption;
    seen.insert(caption);
    colored += caption.find("golden") != std::string::npos;
    EXPECT_EQ(caption.find("wooden potion"), std::string::npos);
    EXPECT_EQ(caption.find("wooden apple"), std::string::npos);
  }
  for (int i = 0; i < item_count; ++i) {
    const std::string word(name(static_cast<Item>(i)));
    EXPECT_TRUE(std::ranges::any_of(seen, [&](const auto& c) { return c.find(word) != std::string::npos; }))
        << word;
  }
  for (const char* word :
       {"golden key", "silver sword", "wooden chest", "blue potion", "red heart", "green gem"}) {
    EXPECT_TRUE(std::ranges::any_of(seen, [&](const auto& c) { return c.find(word) != std::string::npos; }))
        << word;
  }
  EXPECT_GT(colored, 200);
  std::printf("%zu unlike captions of 6000\n", seen.size());
}

TEST(Item, HeldOutHeartsAreListedAndNotDrawn) {
  SceneOptions options;
  options.families = {0, 0, 1, 0};
  options.styles = {1, 0, 0, 0, 0, 0};
  options.size = 8;
  int hearts = 0;
  for (uint64_t i = 0; i < 6000; ++i) {
    const Scene scene = draw_scene(options, i);
    hearts += !scene.objects.empty() && scene.objects[0].shape == Shape::heart;
    EXPECT_EQ(scene.caption.find("blue heart"), std::string::npos);
    EXPECT_EQ(scene.caption.find("pink coin"), std::string::npos);
  }
  EXPECT_GT(hearts, 200);
}

}  // namespace
}  // namespace unclip
