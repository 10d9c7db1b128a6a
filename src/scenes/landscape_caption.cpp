// Landscapes in words. What makes an image what it is gets named nearly always, small things now and then.
#include "landscape.h"
#include "words.h"

namespace unclip {
namespace {

std::string adjective(Rng& rng) {
  return pick(rng, {"beautiful", "beautiful", "beautiful", "peaceful", "quiet", "lovely", "calm", "scenic",
                    "pretty", "picturesque", "wonderful"});
}

std::string mountain_words(Rng& rng, const Landscape& land, bool colors) {
  if (land.snowy && colors && chance(rng, 0.8)) {
    return pick(rng, {"snowy mountains", "snowy mountains", "snow-capped mountains", "snowy peaks",
                      "mountains with snow"});
  }
  return pick(rng, {"mountains", "mountains", "mountains", "high mountains", "tall mountains"});
}

std::string building_word(Rng& rng, Building building) {
  switch (building) {
    case Building::house:
      return pick(rng, {"a house", "a house", "a house", "a little house", "a cottage"});
    case Building::cabin:
      return pick(rng, {"a cabin", "a cabin", "a log cabin", "a small cabin", "a hut"});
    default:
      return pick(rng, {"a castle", "a castle", "a castle", "an old castle", "a fortress"});
  }
}

// The lesser things of the sky.
std::vector<std::string> sky_things(Rng& rng, const Landscape& land, bool colors) {
  std::vector<std::string> things;
  const auto add = [&](bool drawn, double named, std::initializer_list<const char*> words) {
    if (drawn && chance(rng, named)) things.push_back(pick(rng, words));
  };
  if (colors && chance(rng, 0.2)) {
    add(land.rainbow, 1, {"a colorful rainbow"});
  } else {
    add(land.rainbow, 0.95, {"a rainbow"});
  }
  add(land.rain, 0.25, {"rain", "rain", "falling rain"});
  add(land.snow, 0.25, {"falling snow", "snow", "snowfall"});
  add(land.sun && land.time == Time::day, 0.3, {"the sun", "a bright sun", "the sun in the sky"});
  add(land.sun && land.time == Time::sunset, 0.06, {"the setting sun"});
  add(land.sun && land.time == Time::sunrise, 0.06, {"the rising sun"});
  add(land.moon, 0.3, {"the moon", "the moon", "a bright moon"});
  add(land.stars, 0.3, {"stars", "stars", "a starry sky"});
  add(land.clouds && !land.rain && !land.snow, 0.22, {"clouds", "clouds", "a cloudy sky"});
  return things;
}

// What makes the place, the most telling first.
std::vector<std::string> land_things(Rng& rng, const Landscape& land, bool colors) {
  std::vector<std::string> things;
  const auto add = [&](bool drawn, double named, std::initializer_list<const char*> words) {
    if (drawn && chance(rng, named)) things.push_back(pick(rng, words));
  };
  if (land.building != Building::none && chance(rng, 0.94))
    things.push_back(building_word(rng, land.building));
  const bool over_river = land.bridge && chance(rng, 0.5);
  if (over_river) things.push_back(pick(rng, {"a bridge over a river", "a stone bridge over a river"}));
  add(land.bridge && !over_river, 0.9, {"a bridge", "a bridge", "an arched bridge"});
  add(land.water == Water::river && !over_river, 0.94,
      {"a river", "a river", "a river", "a winding river", "a stream"});
  const bool sails = land.boat && chance(rng, 0.6);
  if (sails) {
    const std::string boat = pick(rng, {"a boat", "a boat", "a sailboat", "a sailing boat"});
    things.push_back(boat + (land.water == Water::sea ? pick(rng, {" on the sea", " at sea", " on the ocean"})
                                                      : pick(rng, {" on a lake", " on the lake"})));
  }
  add(land.boat && !sails, 0.9, {"a boat", "a boat", "a sailboat", "a sailing boat"});
  add(land.beach, 0.97, {"a beach", "a beach", "a sandy beach"});
  add(land.water == Water::sea && !sails, land.beach ? 0.5 : 1.0,
      {"the sea", "the sea", "the ocean", "the open sea"});
  add(land.water == Water::lake && !sails, 0.94, {"a lake", "a lake", "a lake", "a calm lake"});
  add(land.desert, 1, {"a desert", "a desert", "the desert", "a sandy desert", "a desert with cacti"});
  if (land.mountains && chance(rng, 0.94)) things.push_back(mountain_words(rng, land, colors));
  add(land.forest, 0.94, {"a forest", "a forest", "a forest", "trees", "woods"});
  add(land.flowers, 0.9, {"flowers", "flowers", "many flowers", "a field of flowers"});
  add(land.hills, 0.75, {"hills", "hills", "rolling hills"});
  add(land.meadow, 0.85, {"a meadow", "a meadow", "a grassy meadow"});
  add(land.road, 0.92, {"a road", "a road", "a winding road", "a path"});
  return things;
}

std::string time_words(Rng& rng, const Landscape& land) {
  switch (land.time) {
    case Time::day:
      if (land.rain) return pick(rng, {"in the rain", "in the rain", "on a rainy day", "under a rainy sky"});
      if (land.snow) return pick(rng, {"in the snow", "in falling snow", "on a snowy day"});
      if (!chance(rng, 0.45)) return "";
      return land.sun
                 ? pick(rng, {"by day", "on a sunny day", "on a sunny day", "in sunshine", "in daylight"})
                 : pick(rng, {"by day", "during the day", "in daylight"});
    case Time::sunrise:
      return pick(rng, {"at sunrise", "at sunrise", "at sunrise", "at dawn", "in the early morning"});
    case Time::sunset:
      return pick(rng, {"at sunset", "at sunset", "at sunset", "at dusk", "in the evening"});
    default:
      if (land.stars && chance(rng, 0.15)) return "under a starry sky";
      if (land.moon && chance(rng, 0.15)) return pick(rng, {"under the moon", "by moonlight"});
      return pick(rng, {"at night", "at night", "at night", "by night"});
  }
}

std::string season_word(Rng& rng, Season season) {
  switch (season) {
    case Season::spring:
      return pick(rng, {"spring", "spring", "springtime"});
    case Season::summer:
      return "summer";
    case Season::autumn:
      return pick(rng, {"autumn", "autumn", "fall"});
    default:
      return "winter";
  }
}

// "a cabin in a forest", "mountains behind a lake": the first thing placed by the second.
std::string placed(Rng& rng, const Landscape& land, std::vector<std::string> things) {
  const std::string first = things[0], second = things[1];
  things.erase(things.begin());
  if (land.building == Building::none || things.size() > 2 || chance(rng, 0.3)) {
    return first + " with " + joined(things);
  }
  if (second == "a forest" || second == "woods") return first + " in " + joined(things);
  if (second.find("mountains") != std::string::npos) {
    return first + pick(rng, {" in front of ", " near ", " below "}) + joined(things);
  }
  return first + pick(rng, {" by ", " near ", " and "}) + joined(things);
}

std::string sentence(Rng& rng, const Landscape& land, std::vector<std::string> things,
                     const std::string& season) {
  const double form = uniform(rng, 0, 1);
  const std::string place = pick(rng, {"landscape", "landscape", "landscape", "scenery", "scene"});
  const std::string quality = chance(rng, 0.6) ? adjective(rng) + " " : "";
  if (form < 0.42) {
    if (chance(rng, 0.5)) shuffle(rng, things);
    const std::string kind = with_article(quality + (season.empty() ? "" : season + " ") + place);
    return kind + pick(rng, {" with ", " with ", " with ", " of "}) + joined(things);
  }
  const std::string suffix = season.empty() ? "" : " in " + season;
  if (form < 0.5) {
    const std::string view =
        with_article(quality + pick(rng, {"view of ", "picture of ", "image of ", "illustration of "}));
    return view + joined(things) + suffix;
  }
  if (things.size() > 1 && form < 0.75) return placed(rng, land, things) + suffix;
  return joined(things) + suffix;
}

}  // namespace

std::string describe(Rng& rng, const Landscape& land, bool colors) {
  std::vector<std::string> things;
  while (things.empty()) things = land_things(rng, land, colors);
  for (const std::string& thing : sky_things(rng, land, colors)) things.push_back(thing);
  // No caption is an inventory: five things at most.
  if (things.size() > 5) things.resize(5);
  const bool names_season = colors && land.season != Season::any && chance(rng, 0.92);
  const std::string text = sentence(rng, land, things, names_season ? season_word(rng, land.season) : "");
  const std::string time = colors ? time_words(rng, land) : "";
  if (time.empty()) return text;
  if (chance(rng, 0.08)) return time + ", " + text;
  return text + (chance(rng, 0.12) ? ", " : " ") + time;
}

}  // namespace unclip
