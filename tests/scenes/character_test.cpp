// Characters: who, mood, clothes and held things all show; captions are true.
#include "scenes/character.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "scenes/pixels_apart.h"

namespace unclip {
namespace {

constexpr int kCharacterSize = 64;

std::vector<uint8_t> painted(Kind kind, Mood mood, Wear wear) {
  Canvas canvas(kCharacterSize);
  const Local local(canvas, {0.5, 0.55}, 0.4);
  const Body body = paint_body(canvas, kind, center(Color::green));
  paint_face(canvas, body, mood);
  paint_wear(canvas, body, wear, wear == Wear::crown ? hex(0xf2b632) : center(Color::red));
  return canvas.rgb();
}

TEST(Character, KindsMoodsAndClothesShow) {
  double kinds = 1, moods = 1, wears = 1;
  for (int k = 0; k < kind_count; ++k) {
    const Kind kind = static_cast<Kind>(k);
    const std::vector<uint8_t> plain = painted(kind, Mood::none, Wear::nothing);
    for (int other = 0; other < k; ++other) {
      kinds = std::min(kinds,
                       pixels_apart(plain, painted(static_cast<Kind>(other), Mood::none, Wear::nothing), 60));
    }
    for (int a = 0; a < 6; ++a) {
      for (int b = 0; b < a; ++b) {
        const double share = pixels_apart(painted(kind, static_cast<Mood>(a), Wear::nothing),
                                          painted(kind, static_cast<Mood>(b), Wear::nothing), 60);
        moods = std::min(moods, share);
        EXPECT_GE(share, 0.01) << name(kind) << " " << name(static_cast<Mood>(a)) << " "
                               << name(static_cast<Mood>(b));
      }
    }
    for (const Wear wear : {Wear::hat, Wear::crown, Wear::glasses, Wear::scarf}) {
      const double share = pixels_apart(plain, painted(kind, Mood::none, wear), 60);
      wears = std::min(wears, share);
      EXPECT_GE(share, 0.015) << name(kind) << " wear " << static_cast<int>(wear);
    }
  }
  std::printf("least part of the picture that differs: kinds %.3f, moods %.3f, clothes %.3f\n", kinds, moods,
              wears);
  EXPECT_GE(kinds, 0.08);
}

TEST(Character, CaptionsSayWhatWasChosen) {
  Rng rng(4);
  std::set<std::string> seen;
  const auto said = [](const std::string& text, std::initializer_list<const char*> words) {
    return std::ranges::any_of(words, [&](const char* w) { return text.find(w) != std::string::npos; });
  };
  for (int i = 0; i < 20000; ++i) {
    Character c;
    c.kind = static_cast<Kind>(uniform_int(rng, 0, kind_count - 1));
    c.color = static_cast<Color>(uniform_int(rng, 0, color_count - 1));
    c.mood = static_cast<Mood>(uniform_int(rng, 0, 5));
    c.wear = static_cast<Wear>(uniform_int(rng, 0, 4));
    if (chance(rng, 0.5)) c.item = static_cast<Item>(uniform_int(rng, 0, item_count - 1));
    const std::string text = describe(rng, c, true);
    seen.insert(text);
    EXPECT_TRUE(said(text, {name(c.kind).data()})) << text;
    EXPECT_EQ(said(text, {"happy ", "smiling", "cheerful", "is happy", "looking happy"}) &&
                  !said(text, {"unhappy"}),
              c.mood == Mood::happy)
        << text;
    EXPECT_EQ(said(text, {"angry", "furious", "mad "}), c.mood == Mood::angry) << text;
    EXPECT_EQ(said(text, {"scarf"}), c.wear == Wear::scarf) << text;
    EXPECT_EQ(said(text, {"glasses"}), c.wear == Wear::glasses) << text;
    EXPECT_EQ(said(text, {"holding", "carrying"}), c.item.has_value()) << text;
    EXPECT_TRUE(!c.item || said(text, {name(*c.item).data()})) << text;
    EXPECT_EQ(text.find("  "), std::string::npos) << text;
    for (int k = 0; k < color_count; ++k) {
      const Color color = static_cast<Color>(k);
      const std::string word = " " + std::string(name(color)) + " ";
      EXPECT_TRUE(color == c.color || !said(text, {word.c_str()})) << text;
    }
  }
  std::printf("%zu unlike captions of 20000\n", seen.size());
}

}  // namespace
}  // namespace unclip
