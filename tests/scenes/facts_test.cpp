// Facts: captions name only what shows, every word of a caption is understood, and no fact is idle.
#include "scenes/facts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace unclip {
namespace {

constexpr Family kFamilies[] = {Family::landscapes, Family::items, Family::characters};

Scene scene(Family family, uint64_t index) {
  return draw_scene(
      {.seed = 3, .size = 1, .families = only(family), .styles = only(Style::flat), .uncaptioned = 0}, index);
}

bool has(const std::vector<std::string>& facts, const std::string& fact) {
  return std::ranges::find(facts, fact) != facts.end();
}

TEST(Facts, CaptionsNameWhatShows) {
  for (const Family family : kFamilies) {
    std::map<std::string, int> shown, named;
    for (uint64_t i = 0; i < 6000; ++i) {
      const Scene drawn = scene(family, i);
      for (const std::string& fact : drawn.facts) ++shown[fact];
      for (const std::string& fact : named_facts(family, drawn.caption)) {
        ++named[fact];
        EXPECT_TRUE(has(drawn.facts, fact)) << fact << ": " << drawn.caption;
      }
    }
    for (const NamedFact& fact : facts_of(family)) {
      // No character stands before black, which is the color of its outlines.
      if (family == Family::characters && fact.fact == "black background") continue;
      EXPECT_GE(named[fact.fact], 4) << fact.fact;
      shown.erase(fact.fact);
    }
    EXPECT_TRUE(shown.empty()) << shown.begin()->first << " is not listed";
  }
}

// What is left of a caption says nothing that could be judged.
TEST(Facts, EveryWordIsUnderstood) {
  const std::set<std::string> idle{
      "a",         "an",       "the",     "with",      "of",           "in",        "on",
      "at",        "by",       "and",     "to",        "for",          "from",      "near",
      "below",     "front",    "behind",  "over",      "under",        "during",    "is",
      "that",      "who",      "looking", "wearing",   "landscape",    "scenery",   "scene",
      "view",      "picture",  "image",   "drawing",   "illustration", "portrait",  "cartoon",
      "design",    "flat",     "vector",  "art",       "style",        "game",      "video",
      "icon",      "item",     "rpg",     "inventory", "role-playing", "character", "beautiful",
      "peaceful",  "quiet",    "lovely",  "calm",      "scenic",       "pretty",    "picturesque",
      "wonderful", "colorful", "bright",  "many",      "field",        "little",    "old",
      "log",       "small",    "tall",    "high",      "arched",       "stone",     "winding",
      "sailing",   "sandy",    "open",    "cacti",     "rolling",      "grassy",    "falling",
      "rising",    "setting",  "sky",     "magic",     "magical",      "shiny",     "simple",
      "bottle",    "treasure", "cluster", "parchment", "round",        "cute",      "friendly-looking",
      "funny",     "warm",     "top",     "peaks",     "snow-capped"};
  for (const Family family : kFamilies) {
    std::set<std::string> known = idle;
    for (const NamedFact& fact : facts_of(family))
      for (const std::string& words : fact.words) {
        std::istringstream each(words);
        for (std::string word; each >> word;) known.insert(word);
      }
    for (uint64_t i = 0; i < 3000; ++i) {
      std::string caption = scene(family, i).caption;
      for (char& c : caption)
        c = std::string(".,:").find(c) != std::string::npos ? ' ' : static_cast<char>(std::tolower(c));
      std::istringstream words(caption);
      for (std::string word; words >> word;) EXPECT_TRUE(known.contains(word)) << word << ": " << caption;
    }
  }
}

TEST(Facts, WritingAndLongerPhrasesChangeNothing) {
  using Facts = std::vector<std::string>;
  const auto land = [](const char* caption) { return named_facts(Family::landscapes, caption); };
  EXPECT_EQ(land("A BRIDGE OVER A RIVER."), (Facts{"river", "bridge"}));
  EXPECT_EQ(land("mountains with snow and a lake"), (Facts{"snowy mountains", "lake"}));
  EXPECT_EQ(land("lake on a snowy day"), (Facts{"lake", "snow", "day"}));
  EXPECT_EQ(land("rainbow"), (Facts{"rainbow"}));
  EXPECT_EQ(named_facts(Family::characters,
                        "An Orange Cat with a golden crown holding a crown on a red background."),
            (Facts{"cat", "wears a crown", "holds a crown", "red background", "orange"}));
  EXPECT_EQ(named_facts(Family::items, "gold crown on an orange background"),
            (Facts{"crown", "golden", "orange background"}));
  EXPECT_TRUE(named_facts(Family::shapes, "a red circle").empty());
}

TEST(Facts, PromptsAreSceneCaptionsBeyondTraining) {
  for (const Family family : kFamilies) {
    const std::vector<ScenePrompt> prompts = scene_prompts(family, 50, 7),
                                   again = scene_prompts(family, 50, 7);
    ASSERT_EQ(prompts.size(), 50U);
    for (size_t i = 0; i < prompts.size(); ++i) {
      EXPECT_EQ(prompts[i].text, again[i].text);
      EXPECT_GE(prompts[i].index, beyond_training);
      EXPECT_FALSE(prompts[i].wanted.empty());
      const Scene drawn = draw_scene(prompts[i].source, prompts[i].index);
      EXPECT_EQ(drawn.caption, prompts[i].text);
      EXPECT_EQ(drawn.family, family);
      for (const std::string& fact : prompts[i].wanted) EXPECT_TRUE(has(drawn.facts, fact)) << fact;
    }
    EXPECT_NE(scene_prompts(family, 50, 8)[0].text + scene_prompts(family, 50, 8)[1].text,
              prompts[0].text + prompts[1].text);
  }
}

}  // namespace
}  // namespace unclip
