// Styles: the same bytes for the same seed, the same image at every size, true captions, the held-out rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "scenes/scene.h"

namespace unclip {
namespace {

SceneOptions options_of(Family family, Style style, int size) {
  SceneOptions options;
  options.families = {};
  options.families[static_cast<size_t>(family)] = 1;
  options.styles = {};
  options.styles[static_cast<size_t>(style)] = 1;
  options.size = size;
  options.uncaptioned = 0;
  return options;
}

// Peak signal-to-noise ratio of the 64 px image to the 256 px one, averaged over 4 × 4 pixels.
double agreement(const Scene& small, const Scene& large) {
  double squares = 0;
  for (size_t y = 0; y < 64; ++y) {
    for (size_t x = 0; x < 64 * 3; ++x) {
      double mean = 0;
      for (size_t k = 0; k < 16; ++k)
        mean += large.rgb[((4 * y + k / 4) * 256 + 4 * (x / 3) + k % 4) * 3 + x % 3];
      squares += std::pow(mean / 16 - small.rgb[y * 64 * 3 + x], 2);
    }
  }
  return 10 * std::log10(255 * 255 / (squares / (64 * 64 * 3) + 1e-9));
}

class StyleOf : public testing::TestWithParam<Style> {};

TEST_P(StyleOf, SameSeedSameBytes) {
  for (int f = 0; f < family_count; ++f) {
    const SceneOptions options = options_of(static_cast<Family>(f), GetParam(), 64);
    for (uint64_t i = 0; i < 10; ++i) {
      const Scene once = draw_scene(options, i), again = draw_scene(options, i);
      EXPECT_EQ(once.rgb, again.rgb);
      EXPECT_EQ(once.caption, again.caption);
    }
  }
}

TEST_P(StyleOf, IsTheSameImageAtEverySize) {
  const std::array<double, style_count> mean_bound{43, 99, 30, 30, 33, 35},
      least_bound{33, 99, 27, 26, 28, 29};
  for (int f = 0; f < family_count; ++f) {
    double least = 1e9, sum = 0;
    for (uint64_t i = 0; i < 40; ++i) {
      const Family family = static_cast<Family>(f);
      const double psnr = agreement(draw_scene(options_of(family, GetParam(), 64), i),
                                    draw_scene(options_of(family, GetParam(), 256), i));
      least = std::min(least, psnr), sum += std::min(psnr, 99.0);
    }
    std::printf("%s, %s: mean %.1f dB, least %.1f dB\n", name(GetParam()).data(),
                name(static_cast<Family>(f)).data(), sum / 40, least);
    EXPECT_GE(sum / 40, mean_bound[static_cast<size_t>(GetParam())]);
    EXPECT_GE(least, least_bound[static_cast<size_t>(GetParam())]);
  }
}

TEST_P(StyleOf, ChangesTheImage) {
  if (GetParam() == Style::flat) return;
  for (int f = 0; f < family_count; ++f) {
    Rng rng(5);
    const Family family = static_cast<Family>(f);
    const Drawing drawing = family == Family::shapes       ? make_shapes(rng, GetParam())
                            : family == Family::landscapes ? make_landscape(rng, GetParam())
                            : family == Family::items      ? make_item(rng, GetParam())
                                                           : make_character(rng, GetParam());
    Canvas flat(64), styled(64);
    paint_in_style(drawing, Style::flat, 1, flat);
    paint_in_style(drawing, GetParam(), 1, styled);
    EXPECT_NE(flat.rgb(), styled.rgb());
  }
}

bool mentions(std::string caption, const std::string& word) {
  std::ranges::transform(caption, caption.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  caption = " " + caption + " ";
  std::ranges::replace_if(
      caption, [](char c) { return c == '.' || c == ','; }, ' ');
  return caption.find(" " + word + " ") != std::string::npos;
}

TEST_P(StyleOf, CaptionsNameTheStyleAndNoLostColor) {
  const std::array<std::vector<std::string>, style_count> words{{{},
                                                                 {"pixel", "pixelated", "8-bit"},
                                                                 {"sketch", "pencil"},
                                                                 {"watercolor", "watercolour", "aquarelle"},
                                                                 {"neon"},
                                                                 {"blueprint", "technical"}}};
  for (int f = 0; f < family_count; ++f) {
    for (uint64_t i = 0; i < 1500; ++i) {
      const Scene scene = draw_scene(options_of(static_cast<Family>(f), GetParam(), 8), i);
      const auto& own = words[static_cast<size_t>(GetParam())];
      EXPECT_TRUE(own.empty() ||
                  std::ranges::any_of(own, [&](const auto& w) { return mentions(scene.caption, w); }))
          << scene.caption;
      if (has_colors(GetParam())) continue;
      for (int c = 0; c < color_count; ++c) {
        EXPECT_FALSE(mentions(scene.caption, std::string(name(static_cast<Color>(c))))) << scene.caption;
      }
      for (const char* word : {"golden", "gold", "silver", "wooden", "turquoise", "violet", "grey"}) {
        EXPECT_FALSE(mentions(scene.caption, word)) << scene.caption;
      }
    }
  }
}

// Outlined in the colors of the style, a circle is a ring.
TEST_P(StyleOf, HoldsNoHeldOutPair) {
  for (int f = 0; f < family_count; ++f) {
    for (uint64_t i = 0; i < 1500; ++i) {
      const Scene scene = draw_scene(options_of(static_cast<Family>(f), GetParam(), 8), i);
      for (const Object& object : scene.objects) {
        for (const Color color : shown_as(GetParam(), object.color)) {
          EXPECT_FALSE(held_out(color, object.shape)) << scene.caption;
          if (is_outlined(GetParam()) && object.shape == Shape::circle) {
            EXPECT_FALSE(held_out(color, Shape::ring)) << scene.caption;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, StyleOf,
                         testing::Values(Style::flat, Style::pixel_art, Style::pencil_sketch,
                                         Style::watercolor, Style::neon, Style::blueprint),
                         [](const auto& style_of) {
                           std::string word(name(style_of.param));
                           std::ranges::replace(word, ' ', '_');
                           return word;
                         });

}  // namespace
}  // namespace unclip
