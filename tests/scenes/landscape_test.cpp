// Landscapes: every part shows where it belongs, parts that stand together make sense, captions are true.
#include "scenes/landscape.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "scenes/scene.h"

namespace unclip {
namespace {

constexpr int kLandscapeSize = 64;

std::vector<uint8_t> painted(const Landscape& land) {
  Canvas canvas(kLandscapeSize);
  paint(canvas, land);
  return canvas.rgb();
}

// Part of the image, within rows from … to, where two images clearly differ.
double changed(const Landscape& a, const Landscape& b, double from, double to) {
  const std::vector<uint8_t> p = painted(a), q = painted(b);
  int count = 0;
  for (int y = static_cast<int>(from * kLandscapeSize); y < static_cast<int>(to * kLandscapeSize); ++y) {
    for (int x = 0; x < kLandscapeSize; ++x) {
      int difference = 0;
      for (int c = 0; c < 3; ++c) {
        const size_t i = static_cast<size_t>((y * kLandscapeSize + x) * 3 + c);
        difference += std::abs(p[i] - q[i]);
      }
      count += difference > 40;
    }
  }
  return static_cast<double>(count) / (kLandscapeSize * kLandscapeSize);
}

struct Part {
  const char* name;
  std::function<void(Landscape&)> add;
  double from, to;  // rows
  double least;     // of the image
};

const std::vector<Part>& parts() {
  static const std::vector<Part> all{
      {"mountains", [](Landscape& l) { l.mountains = true; }, 0, 0.6, 0.08},
      {"snowy mountains", [](Landscape& l) { l.mountains = l.snowy = true; }, 0, 0.6, 0.08},
      {"hills", [](Landscape& l) { l.hills = true; }, 0.25, 0.75, 0.04},
      {"river", [](Landscape& l) { l.water = Water::river; }, 0.5, 1, 0.06},
      {"lake", [](Landscape& l) { l.water = Water::lake; }, 0.5, 1, 0.1},
      {"sea", [](Landscape& l) { l.water = Water::sea; }, 0.5, 1, 0.3},
      {"beach", [](Landscape& l) { l.water = Water::sea, l.beach = true; }, 0.5, 1, 0.1},
      {"forest", [](Landscape& l) { l.forest = true; }, 0.25, 1, 0.15},
      {"desert", [](Landscape& l) { l.desert = true; }, 0.5, 1, 0.3},
      {"meadow", [](Landscape& l) { l.meadow = true; }, 0.6, 1, 0.02},
      {"flowers", [](Landscape& l) { l.flowers = true; }, 0.6, 1, 0.05},
      {"house", [](Landscape& l) { l.building = Building::house; }, 0.3, 0.8, 0.04},
      {"cabin", [](Landscape& l) { l.building = Building::cabin; }, 0.3, 0.8, 0.04},
      {"castle", [](Landscape& l) { l.building = Building::castle; }, 0.2, 0.8, 0.05},
      {"road", [](Landscape& l) { l.road = true; }, 0.5, 1, 0.06},
      {"sun", [](Landscape& l) { l.sun = true; }, 0, 0.5, 0.012},
      {"moon", [](Landscape& l) { l.moon = true; }, 0, 0.5, 0.008},
      {"stars", [](Landscape& l) { l.time = Time::night, l.stars = true; }, 0, 0.5, 0.01},
      {"clouds", [](Landscape& l) { l.clouds = true; }, 0, 0.5, 0.008},
      {"rain", [](Landscape& l) { l.rain = true; }, 0, 1, 0.1},
      {"snow", [](Landscape& l) { l.snow = true; }, 0, 1, 0.05},
      {"rainbow", [](Landscape& l) { l.rainbow = true; }, 0, 0.6, 0.05}};
  return all;
}

TEST(Landscape, EveryPartShowsWhereItBelongs) {
  for (const Part& part : parts()) {
    double least = 1;
    for (uint64_t seed = 0; seed < 10; ++seed) {
      Landscape without;
      without.seed = seed;
      Landscape with = without;
      part.add(with);
      without.time = with.time;
      const double share = changed(without, with, part.from, part.to);
      least = std::min(least, share);
      EXPECT_GE(share, part.least) << part.name << ", seed " << seed;
    }
    std::printf("%s changes at least %.3f of the picture\n", part.name, least);
  }
}

TEST(Landscape, BoatAndBridgeShowOnTheirWater) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (const Water water : {Water::sea, Water::lake, Water::river}) {
      Landscape without;
      without.seed = seed;
      without.water = water;
      Landscape with = without;
      (water == Water::river ? with.bridge : with.boat) = true;
      EXPECT_GE(changed(without, with, 0.4, 1), 0.015);
    }
  }
}

// Each time of day and season is an image of its own.
TEST(Landscape, TimesAndSeasonsDiffer) {
  Landscape land;
  land.forest = land.mountains = true;
  for (int a = 0; a < 4; ++a) {
    for (int b = 0; b < a; ++b) {
      Landscape one = land, other = land;
      one.time = static_cast<Time>(a), other.time = static_cast<Time>(b);
      EXPECT_GT(changed(one, other, 0, 1), 0.3) << a << " " << b;
      one = other = land;
      one.season = static_cast<Season>(a + 1), other.season = static_cast<Season>(b + 1);
      EXPECT_GT(changed(one, other, 0.5, 1), 0.25) << a << " " << b;
    }
  }
}

TEST(Landscape, PartsMakeSenseTogether) {
  Rng rng(1);
  for (int i = 0; i < 20000; ++i) {
    const Landscape l = random_landscape(rng);
    EXPECT_TRUE(!l.boat || l.water == Water::lake || l.water == Water::sea);
    EXPECT_TRUE(!l.bridge || l.water == Water::river);
    EXPECT_EQ(l.moon || l.stars, (l.moon || l.stars) && l.time == Time::night);
    EXPECT_TRUE(!(l.sun || l.rainbow || l.rain) || l.time != Time::night);
    EXPECT_TRUE(!l.rainbow || l.time == Time::day);
    EXPECT_TRUE(!l.rain || (!l.snow && !l.sun && !l.desert));
    EXPECT_TRUE(!l.snow || l.winter());
    EXPECT_TRUE(!l.winter() || (!l.flowers && !l.desert && l.water != Water::sea));
    EXPECT_TRUE(!l.snowy || l.mountains);
  }
}

struct Claim {
  const char* words;
  std::function<bool(const Landscape&)> holds;
};

const std::vector<Claim>& claims() {
  static const std::vector<Claim> all{
      {"mountains", [](const Landscape& l) { return l.mountains; }},
      {"snowy mountains", [](const Landscape& l) { return l.snowy; }},
      {"peaks", [](const Landscape& l) { return l.snowy; }},
      {"hills", [](const Landscape& l) { return l.hills; }},
      {"river", [](const Landscape& l) { return l.water == Water::river; }},
      {"stream", [](const Landscape& l) { return l.water == Water::river; }},
      {"lake", [](const Landscape& l) { return l.water == Water::lake; }},
      {"sea", [](const Landscape& l) { return l.water == Water::sea; }},
      {"ocean", [](const Landscape& l) { return l.water == Water::sea; }},
      {"beach", [](const Landscape& l) { return l.beach; }},
      {"forest", [](const Landscape& l) { return l.forest; }},
      {"desert", [](const Landscape& l) { return l.desert; }},
      {"meadow", [](const Landscape& l) { return l.meadow; }},
      {"flowers", [](const Landscape& l) { return l.flowers; }},
      {"house", [](const Landscape& l) { return l.building == Building::house; }},
      {"cabin", [](const Landscape& l) { return l.building == Building::cabin; }},
      {"castle", [](const Landscape& l) { return l.building == Building::castle; }},
      {"bridge", [](const Landscape& l) { return l.bridge; }},
      {"road", [](const Landscape& l) { return l.road; }},
      {"boat", [](const Landscape& l) { return l.boat; }},
      {"the sun", [](const Landscape& l) { return l.sun; }},
      {"the moon", [](const Landscape& l) { return l.moon; }},
      {"stars", [](const Landscape& l) { return l.stars; }},
      {"clouds", [](const Landscape& l) { return l.clouds; }},
      {"in the rain", [](const Landscape& l) { return l.rain; }},
      {"snowfall", [](const Landscape& l) { return l.snow; }},
      {"rainbow", [](const Landscape& l) { return l.rainbow; }},
      {"sunrise", [](const Landscape& l) { return l.time == Time::sunrise; }},
      {"sunset", [](const Landscape& l) { return l.time == Time::sunset; }},
      {"night", [](const Landscape& l) { return l.time == Time::night; }},
      {"by day", [](const Landscape& l) { return l.time == Time::day; }},
      {"spring", [](const Landscape& l) { return l.season == Season::spring; }},
      {"summer", [](const Landscape& l) { return l.season == Season::summer; }},
      {"autumn", [](const Landscape& l) { return l.season == Season::autumn; }},
      {"winter", [](const Landscape& l) { return l.season == Season::winter; }}};
  return all;
}

bool has_word(const std::string& text, const std::string& word) {
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    const bool starts = at == 0 || text[at - 1] == ' ' || word == "boat";  // sailboat
    if (starts && (end == text.size() || text[end] == ' ' || text[end] == ',')) return true;
  }
  return false;
}

TEST(Landscape, CaptionsAreTrueAndNameEverything) {
  Rng rng(2);
  std::map<std::string, int> said;
  std::set<std::string> unlike;
  for (int i = 0; i < 20000; ++i) {
    const Landscape land = random_landscape(rng);
    const std::string caption = describe(rng, land, true);
    unlike.insert(caption);
    for (const Claim& claim : claims()) {
      if (!has_word(caption, claim.words)) continue;
      ++said[claim.words];
      EXPECT_TRUE(claim.holds(land)) << caption;
    }
    EXPECT_EQ(caption.find("  "), std::string::npos) << caption;
  }
  for (const Claim& claim : claims()) EXPECT_GE(said[claim.words], 10) << claim.words;
  std::printf("%zu unlike captions of 20000\n", unlike.size());
  EXPECT_GT(unlike.size(), 10000u);
}

// Lines show neither the light nor the season.
TEST(Landscape, CaptionsOfLinesLeaveOutTimeAndSeason) {
  Rng rng(3);
  for (int i = 0; i < 5000; ++i) {
    const std::string caption = describe(rng, random_landscape(rng), false);
    for (const char* word : {"night", "sunset", "sunrise", "dawn", "dusk", "winter", "summer", "autumn",
                             "spring", "snowy", "day", "white", "blue", "colorful"}) {
      EXPECT_FALSE(has_word(caption, word)) << caption;
    }
  }
}

}  // namespace
}  // namespace unclip
