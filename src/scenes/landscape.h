// A landscape as chosen, before it is painted and put into words.
#pragma once

#include "scenes/facts.h"
#include "scenes/scene.h"
#include "shade.h"

namespace unclip {

enum class Time { day, sunrise, sunset, night };
enum class Season { any, spring, summer, autumn, winter };  // any looks like summer
enum class Water { none, river, lake, sea };
enum class Building { none, house, cabin, castle };

struct Landscape {
  Time time = Time::day;
  Season season = Season::any;
  Water water = Water::none;
  Building building = Building::none;
  bool mountains = false, snowy = false, hills = false, forest = false, meadow = false, flowers = false;
  bool desert = false, beach = false, road = false, bridge = false, boat = false;
  bool sun = false, moon = false, stars = false, clouds = false, rain = false, snow = false, rainbow = false;

  double horizon = 0.55;
  Point light{0.7, 0.2};  // of sun or moon
  double building_x = 0.5;
  double path_x = 0.5;  // of river, lake, road and bridge at the horizon
  bool coarse = false;  // for pixel art: what is smaller than its squares fills one
  uint64_t seed = 0;    // of the details: each part draws its own, equal at every size

  bool winter() const { return season == Season::winter; }
  bool low_sun() const { return time == Time::sunrise || time == Time::sunset; }
};

// Things that go together, each in its place.
Landscape random_landscape(Rng& rng);
void paint(Canvas& canvas, const Landscape& land);

// Colors by time, season and weather.
struct Palette {
  Rgb sky_top, sky_middle, sky_low;
  Rgb light;  // on the land: multiplies
  Rgb far_grass, near_grass, rock, water_far, water_near, sand;
  std::vector<Rgb> leaves;  // of round trees
  Rgb pine;
};

Palette palette_of(const Landscape& land);

// Where river and road run: middle and half width at t = 0 (horizon) … 1 (lower edge).
struct Way {
  Point middle;
  double half = 0;
};
Way river_at(const Landscape& land, double t);

void paint_sky(Canvas& canvas, const Landscape& land, const Palette& palette);
void paint_land(Canvas& canvas, const Landscape& land, const Palette& palette);
void paint_trees(Canvas& canvas, const Landscape& land, const Palette& palette, bool near);
void paint_flowers(Canvas& canvas, const Landscape& land, const Palette& palette);
void paint_building(Canvas& canvas, const Landscape& land, const Palette& palette);
void paint_bridge(Canvas& canvas, const Landscape& land, const Palette& palette);
void paint_boat(Canvas& canvas, const Landscape& land, const Palette& palette);
void paint_weather(Canvas& canvas, const Landscape& land);

// Names what is drawn; without `colors`, neither the time of day nor the season, which show by color alone.
std::string describe(Rng& rng, const Landscape& land, bool colors);

std::vector<std::string> facts_in(const Landscape& land);
std::vector<NamedFact> landscape_facts();

}  // namespace unclip
