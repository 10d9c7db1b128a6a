// Landscapes: light and colors of the time of day and the season; sky, sun, moon, stars, clouds, weather.
#include <cmath>

#include "landscape.h"

namespace unclip {
namespace {

void set_sky(const Landscape& land, Palette& p) {
  switch (land.time) {
    case Time::day:
      p.sky_top = hex(0x3f8fe0), p.sky_middle = hex(0x86c3f2), p.sky_low = hex(0xdbeffb);
      p.light = white;
      break;
    case Time::sunrise:
      p.sky_top = hex(0x86b6e8), p.sky_middle = hex(0xf7b9b4), p.sky_low = hex(0xffe9a8);
      p.light = hex(0xffe6da);
      break;
    case Time::sunset:
      p.sky_top = hex(0x4b2f7f), p.sky_middle = hex(0xd4506c), p.sky_low = hex(0xffab3d);
      p.light = hex(0xdcabaa);
      break;
    case Time::night:
      p.sky_top = hex(0x070b26), p.sky_middle = hex(0x12204f), p.sky_low = hex(0x2a4580);
      p.light = hex(0x5f72ab);
      break;
  }
  if (land.rain || land.snow) {
    const bool night = land.time == Time::night;
    const Rgb gray = land.rain ? hex(0x6f7f92) : night ? hex(0x232d4e) : hex(0x8fa5bf);
    p.sky_top = mix(p.sky_top, darker(gray, 0.15), 0.88);
    p.sky_middle = mix(p.sky_middle, gray, 0.88);
    p.sky_low = mix(p.sky_low, lighter(gray, night ? 0.1 : 0.3), 0.88);
    if (land.rain) p.light = hex(0xbcc6d0);
  }
}

// A star, a snowflake; in pixel art one square of its grid.
void paint_dot(Canvas& canvas, const Landscape& land, Point at, double radius, Rgb color) {
  constexpr double square = 1.0 / 32;
  if (land.coarse) {
    canvas.rectangle(std::floor(at.x / square) * square, std::floor(at.y / square) * square, square, square);
  } else {
    canvas.circle(at, radius);
  }
  canvas.fill(color);
}

void paint_stars(Canvas& canvas, const Landscape& land) {
  Rng rng = image_rng(land.seed, 1);
  const int count = land.coarse ? 16 : uniform_int(rng, 34, 46);
  for (int i = 0; i < count; ++i) {
    const Point at{uniform(rng, 0.02, 0.98), uniform(rng, 0.02, land.horizon - 0.06)};
    const double radius = uniform(rng, 0.005, 0.0095);
    paint_dot(canvas, land, at, radius, hex(0xfff9df));
  }
  for (int i = 0; i < 5; ++i) {  // a few that sparkle
    const Point at{0.1 + 0.2 * i + uniform(rng, -0.07, 0.07), uniform(rng, 0.06, land.horizon - 0.16)};
    const double r = uniform(rng, 0.022, 0.032), w = r * 0.22;
    if (land.coarse) {
      paint_dot(canvas, land, at, r, hex(0xfffbe8));
      continue;
    }
    canvas.polygon({{at.x, at.y - r},
                    {at.x + w, at.y - w},
                    {at.x + r, at.y},
                    {at.x + w, at.y + w},
                    {at.x, at.y + r},
                    {at.x - w, at.y + w},
                    {at.x - r, at.y},
                    {at.x - w, at.y - w}});
    canvas.fill(hex(0xfffbe8));
  }
}

void glow(Canvas& canvas, Point at, double radius, Rgb color, double alpha) {
  canvas.circle(at, radius);
  canvas.fill_radial(at, radius, {{0, color, alpha}, {0.45, color, alpha * 0.45}, {1, color, 0}});
}

void paint_sun(Canvas& canvas, const Landscape& land) {
  const Rgb color = land.time == Time::sunset    ? hex(0xff8a2a)
                    : land.time == Time::sunrise ? hex(0xffdf4f)
                                                 : hex(0xffd92e);
  const double radius = land.low_sun() ? 0.105 : 0.085;
  glow(canvas, land.light, radius * 2.6, lighter(color, 0.45), 0.75);
  canvas.circle(land.light, radius);
  canvas.fill_radial(land.light, radius, {{0, lighter(color, 0.35)}, {1, color}});
}

void paint_moon(Canvas& canvas, const Landscape& land) {
  Rng rng = image_rng(land.seed, 2);
  const Point at = land.light;
  const double r = uniform(rng, 0.08, 0.095);
  glow(canvas, at, r * 2.4, hex(0xc9d6ff), 0.45);
  if (chance(rng, 0.5)) {  // a crescent: outer edge, then back along a wider circle
    cairo_t* context = canvas.context();
    cairo_new_sub_path(context);
    cairo_arc(context, at.x, at.y, r, -0.14 * turn, 0.36 * turn);
    cairo_arc_negative(context, at.x - 0.36 * r, at.y - 0.3 * r, r * 0.9, 0.3 * turn, -0.08 * turn);
    cairo_close_path(context);
    canvas.fill(hex(0xfdf6d2));
    return;
  }
  canvas.circle(at, r);
  canvas.fill_radial(at, r, {{0, hex(0xfffbe6)}, {1, hex(0xf0ead0)}});
  for (const Point crater : {Point{-0.35, -0.2}, {0.3, 0.3}, {0.2, -0.42}}) {
    canvas.circle({at.x + crater.x * r, at.y + crater.y * r}, r * 0.17);
    canvas.fill(hex(0xd8d1b4), 0.8);
  }
}

void paint_cloud(Canvas& canvas, Point at, double w, Rgb top, Rgb low) {
  cairo_t* context = canvas.context();
  cairo_new_sub_path(context);  // a flat base and three bumps
  cairo_arc(context, at.x - 0.62 * w, at.y - 0.2 * w, 0.2 * w, 0.25 * turn, 0.72 * turn);
  cairo_arc(context, at.x - 0.22 * w, at.y - 0.38 * w, 0.3 * w, 0.5 * turn, 0.88 * turn);
  cairo_arc(context, at.x + 0.28 * w, at.y - 0.3 * w, 0.25 * w, 0.66 * turn, 0.98 * turn);
  cairo_arc(context, at.x + 0.66 * w, at.y - 0.17 * w, 0.17 * w, 0.7 * turn, 1.25 * turn);
  cairo_close_path(context);
  canvas.fill_linear({at.x, at.y - 0.65 * w}, {at.x, at.y}, {{0, top}, {1, low}});
}

void paint_clouds(Canvas& canvas, const Landscape& land, const Palette& p) {
  Rng rng = image_rng(land.seed, 3);
  Rgb top = white, low = hex(0xdbe6f2);
  if (land.time == Time::sunrise) top = hex(0xfff2ec), low = hex(0xf3b7b9);
  if (land.time == Time::sunset) top = hex(0xf58d7c), low = hex(0x8a3f7d);
  if (land.rain || land.snow) top = lighter(p.sky_low, land.rain ? 0.1 : 0.35), low = darker(p.sky_low, 0.25);
  const int count = land.rain ? 5 : uniform_int(rng, 3, 4);
  for (int i = 0; i < count; ++i) {
    const double w = land.rain ? uniform(rng, 0.16, 0.22) : uniform(rng, 0.1, 0.16);
    const double x = (i + 0.5 + uniform(rng, -0.25, 0.25)) / count;
    const double y = land.rain ? uniform(rng, 0.12, 0.2) : uniform(rng, 0.13, land.horizon - 0.24);
    if (land.sun && std::hypot(x - land.light.x, y - 0.3 * w - land.light.y) < 0.2) continue;
    paint_cloud(canvas, {x, y}, w, top, low);
  }
}

void paint_rainbow(Canvas& canvas, const Landscape& land) {
  const Point center{land.light.x > 0.5 ? 0.58 : 0.42, land.horizon + 0.04};
  constexpr std::array bands{0xe8413c, 0xf79433, 0xf8dc3c, 0x4bb35a, 0x3f86e0, 0x8b4fc0};
  double radius = 0.46;
  for (const int band : bands) {
    cairo_new_sub_path(canvas.context());
    cairo_arc(canvas.context(), center.x, center.y, radius, 0.5 * turn, turn);
    canvas.stroke(hex(band), 0.023, 0.9);
    radius -= 0.021;
  }
}

}  // namespace

Palette palette_of(const Landscape& land) {
  Palette p;
  set_sky(land, p);
  if (land.winter() && land.low_sun()) p.light = mix(p.light, hex(0xd5cdf0), 0.6);  // snow mirrors the sky
  p.rock = hex(0x6e7cae);
  p.sand = land.desert ? hex(0xe6b566) : hex(0xf0d796);
  p.pine = hex(0x2c6e49);
  p.water_far = hex(0x63b3e4), p.water_near = hex(0x2a78c4);
  switch (land.season) {
    case Season::spring:
      p.far_grass = hex(0xb7dd7a), p.near_grass = hex(0x7cc152);
      p.leaves = {hex(0xf7b4cf), hex(0xf49ac0), hex(0xfbd9e6), hex(0x9ad06a)};
      break;
    case Season::autumn:
      p.far_grass = hex(0xd9b765), p.near_grass = hex(0xb98b3e);
      p.leaves = {hex(0xe07b2c), hex(0xcf4f2a), hex(0xeab13c), hex(0xd9632a)};
      break;
    case Season::winter:
      p.far_grass = hex(0xf5f8fc), p.near_grass = hex(0xdde8f4);
      p.leaves = {hex(0xe6eef7), hex(0xd6e3f0)};
      p.pine = hex(0x3a7266);
      p.water_far = hex(0x9bcbe8), p.water_near = hex(0x5b9fd0);
      break;
    default:
      p.far_grass = hex(0x8fc662), p.near_grass = hex(0x4f9e44);
      p.leaves = {hex(0x3f9142), hex(0x57a845), hex(0x2f7d3e)};
  }
  for (Rgb* color : {&p.far_grass, &p.near_grass, &p.rock, &p.sand, &p.pine, &p.water_far, &p.water_near}) {
    *color = times(*color, p.light);
  }
  for (Rgb& leaf : p.leaves) leaf = times(leaf, p.light);
  if (land.time == Time::sunset) p.water_far = p.sky_low, p.water_near = hex(0x4a4f98);
  p.water_far = mix(p.water_far, p.sky_low, land.low_sun() ? 0.5 : 0.2);  // the sky in the water
  p.water_near = mix(p.water_near, p.sky_top, 0.25);
  return p;
}

void paint_sky(Canvas& canvas, const Landscape& land, const Palette& p) {
  canvas.fill_linear({0, 0}, {0, land.horizon + 0.03},
                     {{0, p.sky_top}, {land.low_sun() ? 0.5 : 0.55, p.sky_middle}, {1, p.sky_low}});
  if (land.stars) paint_stars(canvas, land);
  if (land.sun) paint_sun(canvas, land);
  if (land.moon) paint_moon(canvas, land);
  if (land.rainbow) paint_rainbow(canvas, land);
  if (land.clouds) paint_clouds(canvas, land, p);
}

void paint_weather(Canvas& canvas, const Landscape& land) {
  Rng rng = image_rng(land.seed, 4);
  if (land.rain) {
    for (int i = 0; i < (land.coarse ? 30 : 60); ++i) {
      const Point from{uniform(rng, 0, 1.05), uniform(rng, 0.12, 1)};
      const double length = uniform(rng, 0.05, 0.085);
      cairo_move_to(canvas.context(), from.x, from.y);
      cairo_line_to(canvas.context(), from.x - 0.3 * length, from.y + length);
    }
    canvas.stroke(hex(0xdbe9f7), land.coarse ? 0.024 : 0.008, land.coarse ? 0.6 : 0.75);
  }
  if (land.snow) {
    for (int i = 0; i < 75; i += land.coarse ? 2 : 1) {
      const Point at{(i % 15 + uniform(rng, 0, 1)) / 15, (i / 15 + uniform(rng, 0, 1)) / 5};
      const double radius = uniform(rng, 0.008, 0.014);
      paint_dot(canvas, land, at, radius, white);
    }
  }
}

}  // namespace unclip
