// The source: the same on every machine and thread, no held-out pair, shapes as they were specified.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <set>
#include <thread>

#include "scenes/requirement.h"

namespace unclip {
namespace {

SceneOptions shapes_alone() {
  SceneOptions options;
  options.families = {1, 0, 0, 0};
  options.styles = {1, 0, 0, 0, 0, 0};
  return options;
}

TEST(HeldOut, IsTheRuleOfTheSpecification) {
  EXPECT_TRUE(held_out(Color::pink, Shape::circle));
  EXPECT_TRUE(held_out(Color::gray, Shape::triangle));
  EXPECT_FALSE(held_out(Color::red, Shape::circle));
  int pairs = 0;
  for (int c = 0; c < color_count; ++c) {
    for (int s = 0; s < shape_count; ++s) pairs += held_out(static_cast<Color>(c), static_cast<Shape>(s));
  }
  EXPECT_EQ(pairs, 9);
}

// All families and styles, as training draws them.
TEST(HeldOut, NeverInATrainingImage) {
  SceneOptions options;
  options.size = 8;
  options.styles = {1, 1, 1, 1, 1, 1};
  int objects = 0;
  std::set<std::pair<Color, Shape>> pairs;
  for (uint64_t i = 0; i < 24000; ++i) {
    const Scene scene = draw_scene(options, i);
    for (const Object& object : scene.objects) {
      ++objects;
      for (const Color color : shown_as(scene.style, object.color)) {
        EXPECT_FALSE(held_out(color, object.shape)) << scene.caption;
      }
      if (scene.family == Family::shapes && has_colors(scene.style))
        pairs.emplace(object.color, object.shape);
    }
  }
  EXPECT_EQ(pairs.size(), 96u - 9u);  // and everything else is seen
  std::printf("24000 pictures, %d objects\n", objects);
}

TEST(Shapes, AreArrangedAsAsked) {
  SceneOptions options = shapes_alone();
  options.size = 8;
  options.arrangements = {1, 0, 0};
  for (uint64_t i = 0; i < 300; ++i) EXPECT_EQ(draw_scene(options, i).objects.size(), 1u);
  options.arrangements = {0, 1, 0};
  for (uint64_t i = 0; i < 300; ++i) {
    const Scene scene = draw_scene(options, i);
    EXPECT_GE(scene.objects.size(), 2u);
    for (const Object& object : scene.objects) EXPECT_EQ(object.shape, scene.objects[0].shape);
  }
  options.arrangements = {0, 0, 1};
  for (uint64_t i = 0; i < 300; ++i) {
    const Scene scene = draw_scene(options, i);
    ASSERT_EQ(scene.objects.size(), 2u);
    EXPECT_NE(scene.objects[0].shape, scene.objects[1].shape);
  }
}

// Hard negatives: three colors to sixteen images, others to the next.
TEST(Shapes, ShareColorsInARow) {
  SceneOptions options = shapes_alone();
  options.size = 8;
  options.sharing = 16;
  std::set<std::set<Color>> palettes;
  for (uint64_t row = 0; row < 40; ++row) {
    std::set<Color> colors;
    std::set<Shape> shapes;
    for (uint64_t i = 0; i < 16; ++i)
      for (const Object& object : draw_scene(options, row * 16 + i).objects) {
        colors.insert(object.color);
        shapes.insert(object.shape);
      }
    EXPECT_LE(colors.size(), 3u);
    EXPECT_GE(shapes.size(), 5u);
    palettes.insert(colors);
  }
  EXPECT_GT(palettes.size(), 20u);
}

TEST(Shapes, RivalsChangeOneThingAndLeaveTheImageAlone) {
  SceneOptions alone, with_negatives;
  alone.size = with_negatives.size = 8;
  with_negatives.hard_negatives = 3;
  int shapes = 0;
  for (uint64_t i = 0; i < 600; ++i) {
    const Scene without = draw_scene(alone, i), with = draw_scene(with_negatives, i);
    EXPECT_TRUE(without.hard_negatives.empty());
    EXPECT_EQ(with.rgb, without.rgb);
    EXPECT_EQ(with.caption, without.caption);
    EXPECT_EQ(with.hard_negatives.size(), with.family == Family::shapes ? 3u : 0u);
    for (const std::string& hard_negative : with.hard_negatives) EXPECT_NE(hard_negative, with.caption);
    shapes += with.family == Family::shapes;
  }
  EXPECT_GT(shapes, 100);
  // Where colors are gone, or the caption does not name the background, none is named.
  const Requirement wanted{
      {{Color::red, Shape::circle}, {Color::blue, Shape::star}}, Relation::above, Color::pink};
  Rng rng(1);
  std::set<Shape> others;
  for (int i = 0; i < 200; ++i) {
    const Requirement hard_negative = falsified(rng, wanted, /*colors=*/false, /*background=*/false);
    EXPECT_EQ(hard_negative.objects[0].color, Color::red);
    EXPECT_EQ(hard_negative.objects[1].color, Color::blue);
    EXPECT_EQ(hard_negative.background, Color::pink);
    others.insert(hard_negative.objects[0].shape);
  }
  EXPECT_GE(others.size(), 6u);
  // Two held-out pairs, drawn in a style that shows no colors.
  std::vector<Wanted> held;
  for (int color = 0; color < color_count && held.size() < 2; ++color)
    for (int shape = 0; shape < shape_count && held.size() < 2; ++shape)
      if (held_out(static_cast<Color>(color), static_cast<Shape>(shape)) &&
          (held.empty() || held[0].color != static_cast<Color>(color)))
        held.push_back({static_cast<Color>(color), static_cast<Shape>(shape)});
  const Requirement hidden{held, std::nullopt, std::nullopt};
  EXPECT_NE(describe(falsified(rng, hidden, /*colors=*/false, /*background=*/false)), describe(hidden));
}

TEST(Shapes, AreAsLargeAsSaidAndWithinTheImage) {
  Rng rng(1);
  double smallest = 1;
  for (int i = 0; i < 5000; ++i) {
    const Requirement wanted = random_requirement(rng);
    const std::optional<Drawing> drawing = draw_required(rng, wanted);
    if (!drawing) continue;
    for (const Object& object : drawing->objects) {
      smallest = std::min(smallest, object.area);
      const double half = std::sqrt(object.area / fill_of(object.shape)) / 2;
      EXPECT_GT(std::min(object.center.x, object.center.y) - half, 0.03);
      EXPECT_LT(std::max(object.center.x, object.center.y) + half, 0.97);
      for (const Wanted& group : wanted.objects) {
        if (group.shape != object.shape) continue;
        EXPECT_TRUE(group.size != Size::small || object.area <= small_area) << object.area;
        EXPECT_TRUE(group.size != Size::large || object.area >= large_area) << object.area;
      }
    }
  }
  EXPECT_GE(smallest, smallest_area);
  std::printf("smallest area %.4f\n", smallest);
}

TEST(Shapes, FillWhatFillOfSays) {
  for (int i = 0; i < shape_count; ++i) {
    Canvas canvas(512);
    canvas.shape(static_cast<Shape>(i), {0.5, 0.5}, 0.5);
    canvas.fill({0, 0, 0});
    double ink = 0;
    for (const uint8_t byte : canvas.rgb()) ink += (255 - byte) / 255.0 / 3;
    EXPECT_NEAR(ink / (512 * 512), fill_of(static_cast<Shape>(i)), 0.001) << name(static_cast<Shape>(i));
  }
}

TEST(Shapes, AnyThreadDrawsTheSameImage) {
  const SceneOptions options = shapes_alone();
  std::vector<Scene> here, there(100);
  for (uint64_t i = 0; i < 100; ++i) here.push_back(draw_scene(options, i));
  {
    std::jthread thread([&] {
      for (uint64_t i = 100; i-- > 0;) there[i] = draw_scene(options, i);
    });
  }
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(here[i].rgb, there[i].rgb);
    EXPECT_EQ(here[i].caption, there[i].caption);
  }
  std::set<std::vector<uint8_t>> unlike;
  for (const Scene& scene : here) unlike.insert(scene.rgb);
  EXPECT_EQ(unlike.size(), 100u);
}

TEST(Shapes, SizeChangesTheSizeAlone) {
  SceneOptions small = shapes_alone(), large = small;
  large.size = 256;
  double largest = 0;
  for (uint64_t i = 0; i < 100; ++i) {
    const Scene a = draw_scene(small, i), b = draw_scene(large, i);
    EXPECT_EQ(a.caption, b.caption);
    for (size_t y = 0; y < 64; ++y) {
      for (size_t x = 0; x < 64 * 3; ++x) {
        double mean = 0;
        for (size_t k = 0; k < 16; ++k)
          mean += b.rgb[((4 * y + k / 4) * 256 + 4 * (x / 3) + k % 4) * 3 + x % 3];
        largest = std::max(largest, std::abs(mean / 16 - a.rgb[y * 64 * 3 + x]));
      }
    }
  }
  EXPECT_LT(largest, 32);  // cairo's two ways to count a pixel's cover
  std::printf("largest difference of 64 px and averaged 256 px: %.1f of 255\n", largest);
}

TEST(Shapes, CaptionsVary) {
  SceneOptions options = shapes_alone();
  options.size = 8;
  std::set<std::string> captions;
  int empty = 0;
  for (uint64_t i = 0; i < 5000; ++i) {
    const Scene scene = draw_scene(options, i);
    empty += scene.caption.empty();
    captions.insert(scene.caption);
  }
  EXPECT_NEAR(empty, 500, 80);
  EXPECT_GT(captions.size(), 3500u);
  std::printf("%zu different captions of 5000\n", captions.size());
}

TEST(Shapes, AreDrawnFast) {
  const SceneOptions options = shapes_alone();
  const auto start = std::chrono::steady_clock::now();
  for (uint64_t i = 0; i < 2000; ++i) draw_scene(options, i);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  std::printf("%.0f scenes a second on one thread at 64 px\n", 2000 / taken.count());
  EXPECT_GT(2000 / taken.count(), 500);
}

TEST(Describe, SaysItPlainly) {
  const Requirement stars{{{Color::yellow, Shape::star, Size::small, 2}}, {}, Color::blue};
  EXPECT_EQ(describe(stars), "two small yellow stars on a blue background");
  const Requirement pair{
      {{Color::orange, Shape::cross}, {Color::pink, Shape::square}}, Relation::left_of, {}};
  EXPECT_EQ(describe(pair), "an orange cross left of a pink square");
}

}  // namespace
}  // namespace unclip
