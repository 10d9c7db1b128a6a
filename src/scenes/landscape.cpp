// The family Landscapes: which parts stand together, where they stand, and the order of painting.
#include "landscape.h"

namespace unclip {
namespace {

enum Base { mountains, hills, river, lake, sea, beach, forest, desert, meadow, flowers };

void choose_land(Rng& rng, Landscape& land, Base base) {
  land.mountains = base == mountains || chance(rng, 0.3);
  land.hills = base == hills || (!land.mountains && base != forest && chance(rng, 0.25));
  land.forest = base == forest || (!land.hills && chance(rng, 0.25));  // it would hide hills
  land.water = base == river  ? Water::river
               : base == lake ? Water::lake
                              : static_cast<Water>(pick_weighted(rng, std::array{0.6, 0.25, 0.15}));
  land.building = static_cast<Building>(pick_weighted(rng, std::array{0.6, 0.14, 0.13, 0.13}));
  land.road = land.water == Water::none && chance(rng, 0.22);
  land.bridge = land.water == Water::river && chance(rng, 0.3);
  land.boat = land.water == Water::lake && chance(rng, 0.4);
  land.season = static_cast<Season>(pick_weighted(rng, std::array{0.44, 0.14, 0.14, 0.14, 0.14}));
  if (base == meadow || base == flowers) {
    while (land.winter()) land.season = static_cast<Season>(uniform_int(rng, 0, 3));
  }
  land.meadow = base == meadow;
  land.flowers = base == flowers || (!land.winter() && land.season != Season::autumn && chance(rng, 0.15));
  land.snowy = land.mountains && (land.winter() || chance(rng, 0.5));
}

void choose_open(Rng& rng, Landscape& land, Base base) {
  if (base == desert) {
    land.desert = true;
    land.mountains = chance(rng, 0.25);
    land.road = chance(rng, 0.25);
    return;
  }
  land.water = Water::sea;
  land.beach = base == beach;
  land.boat = chance(rng, land.beach ? 0.35 : 0.55);
  land.mountains = chance(rng, 0.15);
  land.snowy = land.mountains && chance(rng, 0.4);
  if (land.beach && chance(rng, 0.25)) land.season = Season::summer;
}

void choose_sky(Rng& rng, Landscape& land) {
  land.time = static_cast<Time>(pick_weighted(rng, std::array{0.46, 0.15, 0.2, 0.19}));
  if (land.winter()) land.snow = land.time != Time::sunset && land.time != Time::sunrise && chance(rng, 0.3);
  if (land.time == Time::night) {
    land.moon = !land.snow && chance(rng, 0.75);
    land.stars = !land.snow && (!land.moon || chance(rng, 0.8));
    return;
  }
  land.clouds = chance(rng, 0.4);
  if (land.snow) return;
  if (land.time == Time::day) {
    const size_t weather = pick_weighted(rng, std::array{0.66, land.winter() || land.desert ? 0.0 : 0.16,
                                                         land.winter() || land.desert ? 0.0 : 0.16});
    land.rain = weather == 1;
    land.rainbow = weather == 2;
    if (land.rain) land.clouds = true;
  }
  land.sun = !land.rain && !land.rainbow && chance(rng, 0.75);
}

void choose_places(Rng& rng, Landscape& land) {
  land.horizon = land.water == Water::sea ? uniform(rng, 0.44, 0.56) : uniform(rng, 0.5, 0.6);
  land.path_x = uniform(rng, 0.4, 0.6);
  const bool left = chance(rng, 0.5);
  land.building_x = left ? uniform(rng, 0.2, 0.28) : uniform(rng, 0.72, 0.8);
  if (land.water == Water::none && !land.road) land.building_x = uniform(rng, 0.32, 0.68);
  // The light stands opposite the building, low when it rises or sets.
  const bool light_left = land.building == Building::none ? chance(rng, 0.5) : land.building_x > 0.5;
  if (land.low_sun()) {
    land.light = {light_left ? uniform(rng, 0.3, 0.45) : uniform(rng, 0.55, 0.7),
                  land.horizon - uniform(rng, 0.1, 0.16)};
    if (land.forest || land.mountains || land.hills) land.light.y -= 0.09;
  } else {
    land.light = {light_left ? uniform(rng, 0.15, 0.3) : uniform(rng, 0.7, 0.85), uniform(rng, 0.12, 0.16)};
  }
  land.seed = rng();
}

void list_objects(const Landscape& land, Drawing& drawing) {
  const auto add = [&](Shape shape, Color color, double area) {
    drawing.objects.push_back({shape, color, land.light, area});
  };
  if (land.sun) {
    add(Shape::circle, land.time == Time::sunset ? Color::orange : Color::yellow, 0.02);
  }
  if (land.moon) add(Shape::circle, Color::white, 0.02);
}

}  // namespace

Landscape random_landscape(Rng& rng) {
  Landscape land;
  const Base base =
      static_cast<Base>(pick_weighted(rng, std::array{3.0, 1.2, 1.6, 1.4, 1.4, 1.3, 1.6, 1.2, 1.0, 1.1}));
  const bool open = base == sea || base == beach || base == desert;
  open ? choose_open(rng, land, base) : choose_land(rng, land, base);
  choose_sky(rng, land);
  choose_places(rng, land);
  return land;
}

void paint(Canvas& canvas, const Landscape& land) {
  const Palette palette = palette_of(land);
  paint_sky(canvas, land, palette);
  paint_land(canvas, land, palette);
  paint_trees(canvas, land, palette, false);
  paint_bridge(canvas, land, palette);
  paint_building(canvas, land, palette);
  paint_trees(canvas, land, palette, true);
  paint_boat(canvas, land, palette);
  paint_flowers(canvas, land, palette);
  paint_weather(canvas, land);
}

Drawing make_landscape(Rng& rng, Style style) {
  Landscape land = random_landscape(rng);
  land.coarse = style == Style::pixel_art;
  Drawing drawing;
  drawing.caption = describe(rng, land, has_colors(style));
  drawing.facts = facts_in(land);
  list_objects(land, drawing);
  drawing.paint = [land](Canvas& canvas) { paint(canvas, land); };
  return drawing;
}

}  // namespace unclip
