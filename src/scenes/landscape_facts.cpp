// Landscapes: what shows in one, and the words for it.
#include "landscape.h"

namespace unclip {
namespace {

struct LandscapeFact {
  NamedFact named;
  bool (*shows)(const Landscape&);
};

const std::vector<LandscapeFact>& land_facts() {
  static const std::vector<LandscapeFact> facts{
      {{"mountains", {"mountains"}}, [](const Landscape& l) { return l.mountains; }},
      {{"snowy mountains",
        {"snowy mountains", "snow-capped mountains", "snowy peaks", "mountains with snow"}},
       [](const Landscape& l) { return l.snowy; }},
      {{"hills", {"hills"}}, [](const Landscape& l) { return l.hills; }},
      {{"river", {"river", "stream"}}, [](const Landscape& l) { return l.water == Water::river; }},
      {{"lake", {"lake"}}, [](const Landscape& l) { return l.water == Water::lake; }},
      {{"sea", {"sea", "ocean"}}, [](const Landscape& l) { return l.water == Water::sea; }},
      {{"beach", {"beach"}}, [](const Landscape& l) { return l.beach; }},
      {{"forest", {"forest", "trees", "woods"}}, [](const Landscape& l) { return l.forest; }},
      {{"desert", {"desert"}}, [](const Landscape& l) { return l.desert; }},
      {{"meadow", {"meadow"}}, [](const Landscape& l) { return l.meadow; }},
      {{"flowers", {"flowers"}}, [](const Landscape& l) { return l.flowers; }},
      {{"house", {"house", "cottage"}}, [](const Landscape& l) { return l.building == Building::house; }},
      {{"cabin", {"cabin", "hut"}}, [](const Landscape& l) { return l.building == Building::cabin; }},
      {{"castle", {"castle", "fortress"}}, [](const Landscape& l) { return l.building == Building::castle; }},
      {{"bridge", {"bridge"}}, [](const Landscape& l) { return l.bridge; }},
      {{"road", {"road", "path"}}, [](const Landscape& l) { return l.road; }},
      {{"boat", {"boat", "sailboat"}}, [](const Landscape& l) { return l.boat; }}};
  return facts;
}

const std::vector<LandscapeFact>& sky_facts() {
  static const std::vector<LandscapeFact> facts{
      {{"sun", {"sun", "sunny", "sunshine"}}, [](const Landscape& l) { return l.sun; }},
      {{"moon", {"moon", "moonlight"}}, [](const Landscape& l) { return l.moon; }},
      {{"stars", {"stars", "starry"}}, [](const Landscape& l) { return l.stars; }},
      {{"clouds", {"clouds", "cloudy"}}, [](const Landscape& l) { return l.clouds; }},
      {{"rain", {"rain", "rainy"}}, [](const Landscape& l) { return l.rain; }},
      {{"snow", {"snow", "snowfall", "snowy"}}, [](const Landscape& l) { return l.snow; }},
      {{"rainbow", {"rainbow"}}, [](const Landscape& l) { return l.rainbow; }},
      {{"day", {"day", "daylight"}}, [](const Landscape& l) { return l.time == Time::day; }},
      {{"sunrise", {"sunrise", "dawn", "early morning"}},
       [](const Landscape& l) { return l.time == Time::sunrise; }},
      {{"sunset", {"sunset", "dusk", "evening"}}, [](const Landscape& l) { return l.time == Time::sunset; }},
      {{"night", {"night"}}, [](const Landscape& l) { return l.time == Time::night; }},
      {{"spring", {"spring", "springtime"}}, [](const Landscape& l) { return l.season == Season::spring; }},
      {{"summer", {"summer"}},  // looks like any season
       [](const Landscape& l) { return l.season == Season::summer || l.season == Season::any; }},
      {{"autumn", {"autumn", "fall"}}, [](const Landscape& l) { return l.season == Season::autumn; }},
      {{"winter", {"winter"}}, [](const Landscape& l) { return l.winter(); }}};
  return facts;
}

}  // namespace

std::vector<std::string> facts_in(const Landscape& land) {
  std::vector<std::string> facts;
  for (const auto* table : {&land_facts(), &sky_facts()})
    for (const LandscapeFact& fact : *table)
      if (fact.shows(land)) facts.push_back(fact.named.fact);
  return facts;
}

std::vector<NamedFact> landscape_facts() {
  std::vector<NamedFact> facts;
  for (const auto* table : {&land_facts(), &sky_facts()})
    for (const LandscapeFact& fact : *table) facts.push_back(fact.named);
  return facts;
}

}  // namespace unclip
