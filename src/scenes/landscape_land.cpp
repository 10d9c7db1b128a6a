// Landscapes: what lies on the ground: mountains, hills, dunes, river, lake, sea, beach, road.
#include <algorithm>
#include <cmath>

#include "landscape.h"

namespace unclip {
namespace {

// Two faces, the right one in shade, and snow that ends in a zigzag.
void paint_peak(Canvas& canvas, Rng& rng, Point apex, double half, double base, Rgb rock, double snow_line,
                Rgb snow) {
  const double height = base - apex.y;
  const auto along = [&](double side, double t) {
    return Point{apex.x + side * half * t, apex.y + height * t};
  };
  const double knee = uniform(rng, 0.45, 0.6), bend = uniform(rng, -0.07, 0.07);
  const auto flank = [&](double side) {
    return Point{apex.x + side * half * (knee + bend * side), apex.y + height * (knee - 0.06)};
  };
  const Point left = along(-1, 1), right = along(1, 1), foot{apex.x + 0.12 * half, base};
  canvas.polygon({apex, flank(1), right, left, flank(-1)});
  canvas.fill_linear(apex, {apex.x, base}, {{0, lighter(rock, 0.12)}, {1, lighter(rock, 0.3)}});
  canvas.polygon({apex, flank(1), right, foot, along(0.22, 0.62), along(-0.12, 0.34)});
  canvas.fill(darker(rock, 0.22), 0.75);
  if (snow_line <= 0) return;
  const double t = snow_line;
  const auto edge = [&](double side, double by) {
    const Point f = flank(side);
    const double share = std::min(by / (knee - 0.06), 1.0);
    return Point{apex.x + (f.x - apex.x) * share, apex.y + (f.y - apex.y) * share};
  };
  canvas.polygon({apex, edge(1, t), along(0.55, t * 0.86), along(0.3, t * 1.22), along(0, t * 0.86),
                  along(-0.3, t * 1.2), along(-0.55, t * 0.84), edge(-1, t)});
  canvas.fill(snow);
  canvas.polygon({apex, edge(1, t), along(0.55, t * 0.86), along(0.3, t * 1.22), along(0.1, t * 0.8)});
  canvas.fill(mix(snow, hex(0x7f97c9), 0.42), 0.9);
}

void paint_mountains(Canvas& canvas, const Landscape& land, const Palette& p) {
  Rng rng = image_rng(land.seed, 5);
  const Rgb rock = land.desert ? times(hex(0x9c6248), p.light) : p.rock;
  const Rgb snow = times(hex(0xfafcff), lighter(p.light, 0.15));
  const double base = land.horizon + 0.03;
  const auto peak = [&](double x, double top, double half, double haze) {
    const double line = land.snowy ? uniform(rng, 0.38, 0.46) : 0;
    paint_peak(canvas, rng, {x, top}, half, base, mix(rock, p.sky_low, haze), line,
               mix(snow, p.sky_low, haze / 2));
  };
  const double h = land.horizon;
  const double low = land.rainbow ? 0.17 : land.water == Water::sea ? 0.13 : 0;  // the bow stays above
  // Low light shines through a gap.
  const double gap = land.low_sun() ? land.light.x : uniform(rng, 0.42, 0.58);
  for (const double side : {-1.0, 1.0}) peak(gap + side * uniform(rng, 0.1, 0.14), h - 0.14, 0.24, 0.5);
  const double first = uniform(rng, 0.36, 0.43), second = uniform(rng, 0.28, 0.36);
  const bool lit = land.sun || land.moon;  // the tallest stands away from the light, the next is low
  const double side = (lit ? land.light.x < gap : chance(rng, 0.5)) ? 1 : -1;
  peak(gap + side * uniform(rng, 0.52, 0.58), h - 0.2 + low / 2, 0.3, 0.25);
  peak(gap - side * uniform(rng, 0.26, 0.32), h - second + std::max(low, lit && !land.low_sun() ? 0.1 : 0),
       0.32, 0.14);
  peak(gap + side * uniform(rng, 0.27, 0.33), h - first + low, 0.38, 0);
}

// A rounded rise between x = from and to, `height` above `base`.
void paint_rise(Canvas& canvas, double from, double to, double base, double height, Rgb top, Rgb low) {
  cairo_t* context = canvas.context();
  const double w = to - from;
  cairo_move_to(context, from, base);
  cairo_curve_to(context, from + 0.25 * w, base, from + 0.28 * w, base - height, from + 0.5 * w,
                 base - height);
  cairo_curve_to(context, to - 0.28 * w, base - height, to - 0.25 * w, base, to, base);
  cairo_line_to(context, to, base + 0.12);
  cairo_line_to(context, from, base + 0.12);
  cairo_close_path(context);
  canvas.fill_linear({0, base - height}, {0, base + 0.05}, {{0, top}, {1, low}});
}

void paint_hills(Canvas& canvas, const Landscape& land, const Palette& p) {
  Rng rng = image_rng(land.seed, 6);
  const double h = land.horizon + 0.03, side = chance(rng, 0.5) ? 1 : 0;
  const Rgb haze = mix(p.far_grass, p.sky_low, 0.35);
  const auto rise = [&](double x, double half, double height, Rgb top, Rgb low) {
    const double middle = side > 0 ? x : 1 - x;
    paint_rise(canvas, middle - half, middle + half, h, height, top, low);
  };
  const double tall = land.mountains ? 0.12 : 0.22;
  rise(uniform(rng, 0.5, 0.62), 0.62, tall, haze, mix(haze, p.near_grass, 0.2));
  rise(uniform(rng, 0.02, 0.12), 0.6, tall * 0.8, p.far_grass, mix(p.far_grass, p.near_grass, 0.5));
  rise(uniform(rng, 0.88, 1.02), 0.58, tall * 0.62, mix(p.far_grass, p.near_grass, 0.35), p.near_grass);
}

void paint_dunes(Canvas& canvas, const Landscape& land, const Palette& p) {
  Rng rng = image_rng(land.seed, 7);
  canvas.rectangle(-0.05, land.horizon, 1.1, 1.1 - land.horizon);
  canvas.fill_linear({0, land.horizon}, {0, 1}, {{0, lighter(p.sand, 0.2)}, {1, p.sand}});
  const bool mirrored = chance(rng, 0.5);
  cairo_t* context = canvas.context();
  for (int i = 0; i < 3; ++i) {  // a crest, its lee side in shade
    const auto X = [&](double x) { return mirrored != (i % 2 == 1) ? 1 - x : x; };
    const double y = land.horizon + 0.05 + 0.13 * i, top = y - 0.06 - 0.03 * i;
    const double crest = uniform(rng, 0.3, 0.5);
    cairo_move_to(context, X(-0.15), y + 0.04);
    cairo_curve_to(context, X(crest * 0.4), y, X(crest * 0.7), top, X(crest), top);
    cairo_curve_to(context, X(crest + 0.25), top + 0.02, X(crest + 0.35), y + 0.05, X(1.15), y + 0.07);
    cairo_line_to(context, X(1.15), 1.1);
    cairo_line_to(context, X(-0.15), 1.1);
    cairo_close_path(context);
    canvas.fill_linear({0, top}, {0, top + 0.3}, {{0, lighter(p.sand, 0.22)}, {1, darker(p.sand, 0.08)}});
    cairo_move_to(context, X(crest), top);
    cairo_curve_to(context, X(crest + 0.25), top + 0.02, X(crest + 0.35), y + 0.05, X(1.15), y + 0.07);
    cairo_curve_to(context, X(crest + 0.4), y + 0.13, X(crest - 0.02), y + 0.1, X(crest), top);
    cairo_close_path(context);
    canvas.fill(darker(p.sand, 0.25), 0.7);
  }
}

void paint_cacti(Canvas& canvas, const Landscape& land, const Palette& p) {
  Rng rng = image_rng(land.seed, 8);
  const Rgb green = times(hex(0x3f8f4f), p.light);
  const int count = uniform_int(rng, 2, 3);
  const double slots[]{0.16, 0.84, 0.34};
  for (int i = 0; i < count; ++i) {
    const double x = slots[i] + uniform(rng, -0.05, 0.05), base = land.horizon + 0.34 - 0.1 * i;
    const double s = 0.3 - 0.07 * i;
    cairo_t* context = canvas.context();
    const auto line = [&](std::initializer_list<Point> points) {
      for (const Point& q : points) cairo_line_to(context, x + q.x * s, base + q.y * s);
      cairo_new_sub_path(context);
    };
    line({{0, 0}, {0, -0.95}});
    line({{0, -0.4}, {-0.3, -0.42}, {-0.3, -0.72}});
    line({{0, -0.28}, {0.3, -0.3}, {0.3, -0.62}});
    canvas.stroke(green, 0.17 * s);
  }
}

void paint_ways(Canvas& canvas, const Landscape& land, double widen, Rgb from, Rgb to) {
  std::vector<Point> left, right;
  for (int i = 0; i <= 24; ++i) {
    const Way way = river_at(land, i / 24.0);
    left.push_back({way.middle.x - way.half - widen * way.half, way.middle.y});
    right.push_back({way.middle.x + way.half + widen * way.half, way.middle.y});
  }
  left.insert(left.end(), right.rbegin(), right.rend());
  canvas.polygon(left);
  canvas.fill_linear({0, land.horizon}, {0, 1}, {{0, from}, {1, to}});
}

void paint_river(Canvas& canvas, const Landscape& land, const Palette& p) {
  const Rgb bank = land.winter() ? times(hex(0xb9cbe0), p.light) : darker(p.near_grass, 0.25);
  paint_ways(canvas, land, 0.16, bank, bank);
  paint_ways(canvas, land, 0, p.water_far, p.water_near);
  Rng rng = image_rng(land.seed, 9);
  for (int i = 0; i < 7; ++i) {  // ripples
    const Way way = river_at(land, 0.3 + 0.1 * i);
    const double x = way.middle.x + uniform(rng, -0.5, 0.2) * way.half;
    cairo_move_to(canvas.context(), x, way.middle.y);
    cairo_line_to(canvas.context(), x + 0.3 * way.half, way.middle.y);
  }
  canvas.stroke(lighter(p.water_far, 0.4), 0.008, 0.7);
}

void paint_road(Canvas& canvas, const Landscape& land, const Palette& p) {
  const Rgb asphalt = times(hex(0x6b6b74), p.light);
  const Rgb edge = times(land.desert ? hex(0xc79a55) : hex(0xd9c79a), p.light);
  paint_ways(canvas, land, 0.18, edge, edge);
  paint_ways(canvas, land, 0, lighter(asphalt, 0.15), asphalt);
  for (int i = 0; i < 6; ++i) {
    const double t = 0.3 + 0.7 * i / 6;
    const Way a = river_at(land, t), b = river_at(land, t + 0.06);
    canvas.polygon({{a.middle.x - 0.09 * a.half, a.middle.y},
                    {a.middle.x + 0.09 * a.half, a.middle.y},
                    {b.middle.x + 0.09 * b.half, b.middle.y},
                    {b.middle.x - 0.09 * b.half, b.middle.y}});
    canvas.fill(times(hex(0xfaf4dc), lighter(p.light, 0.2)));
  }
}

// Light that glitters on the water below sun or moon.
void paint_glitter(Canvas& canvas, const Landscape& land, double top, double bottom, Rgb color) {
  Rng rng = image_rng(land.seed, 10);
  for (double y = top; y < bottom; y += 0.03) {
    const double half = 0.03 + 0.05 * (y - top) / (1 - top) + uniform(rng, 0, 0.03);
    const double x = land.light.x + uniform(rng, -0.02, 0.02);
    cairo_move_to(canvas.context(), x - half, y);
    cairo_line_to(canvas.context(), x + half, y);
  }
  canvas.stroke(color, 0.011, 0.75);
}

void paint_waves(Canvas& canvas, const Landscape& land, double bottom, Rgb color) {
  Rng rng = image_rng(land.seed, 11);
  for (double y = land.horizon + 0.06; y < bottom; y += 0.075) {
    const double shift = uniform(rng, 0, 0.3), w = 0.04 + 0.1 * (y - land.horizon);
    for (double x = shift - 0.2; x < 1; x += 0.33) {
      cairo_move_to(canvas.context(), x, y);
      cairo_curve_to(canvas.context(), x + 0.3 * w, y - 0.3 * w, x + 0.7 * w, y - 0.3 * w, x + w, y);
    }
  }
  canvas.stroke(color, 0.009, 0.65);
}

void paint_sea(Canvas& canvas, const Landscape& land, const Palette& p) {
  canvas.rectangle(-0.05, land.horizon, 1.1, 1.1 - land.horizon);
  canvas.fill_linear({0, land.horizon}, {0, 1},
                     {{0, p.water_far}, {0.35, mix(p.water_far, p.water_near, 0.7)}, {1, p.water_near}});
  const double bottom = land.beach ? 0.74 : 0.98;
  paint_waves(canvas, land, bottom, lighter(p.water_far, 0.45));
  if (land.sun && land.low_sun()) paint_glitter(canvas, land, land.horizon + 0.015, bottom, hex(0xffd98a));
  if (land.moon) paint_glitter(canvas, land, land.horizon + 0.015, bottom, hex(0xdfe8ff));
}

void paint_beach(Canvas& canvas, const Landscape& land, const Palette& p) {
  Rng rng = image_rng(land.seed, 12);
  const bool mirrored = chance(rng, 0.5);
  const double start = uniform(rng, 0.68, 0.72), end = uniform(rng, 0.84, 0.9);
  const auto X = [&](double x) { return mirrored ? 1 - x : x; };
  const auto shore = [&](double lower) {
    cairo_move_to(canvas.context(), X(-0.05), start + lower);
    cairo_curve_to(canvas.context(), X(0.3), start + lower, X(0.45), end + lower, X(1.05), end + lower);
    cairo_line_to(canvas.context(), X(1.05), 1.1);
    cairo_line_to(canvas.context(), X(-0.05), 1.1);
    cairo_close_path(canvas.context());
  };
  shore(-0.035);
  canvas.fill(lighter(p.water_far, 0.65));
  shore(0);
  canvas.fill_linear({0, start}, {0, 1}, {{0, p.sand}, {1, lighter(p.sand, 0.25)}});
}

void paint_lake(Canvas& canvas, const Landscape& land, const Palette& p) {
  const Point c{land.path_x, land.horizon + 0.24};
  const Rgb shore = land.winter() ? times(hex(0xb9cbe0), p.light) : times(hex(0xd8c48a), p.light);
  canvas.ellipse(c, 0.475, 0.15);
  canvas.fill(shore);
  canvas.ellipse({c.x, c.y + 0.004}, 0.445, 0.13);
  canvas.fill_linear({0, c.y - 0.13}, {0, c.y + 0.13}, {{0, p.water_far}, {1, p.water_near}});
  Rng rng = image_rng(land.seed, 13);
  for (int i = 0; i < 6; ++i) {
    const double x = c.x + uniform(rng, -0.3, 0.18), y = c.y - 0.08 + 0.033 * i;
    cairo_move_to(canvas.context(), x, y);
    cairo_line_to(canvas.context(), x + 0.12, y);
  }
  canvas.stroke(lighter(p.water_far, 0.4), 0.008, 0.7);
}

}  // namespace

Way river_at(const Landscape& land, double t) {
  Rng rng = image_rng(land.seed, 14);
  const double swing = land.road ? 0.09 : 0.12, phase = chance(rng, 0.5) ? 0 : 0.5;
  const double top = land.horizon + 0.015;
  const double x = land.path_x + swing * std::sin(turn * (0.95 * std::sqrt(t) + phase)) * (0.35 + 0.65 * t) +
                   (0.5 - land.path_x) * t;
  return {{x, top + (1.02 - top) * t * (0.45 + 0.55 * t)}, 0.014 + 0.16 * std::pow(t, 1.3)};
}

void paint_land(Canvas& canvas, const Landscape& land, const Palette& p) {
  if (land.mountains) paint_mountains(canvas, land, p);
  if (land.hills) paint_hills(canvas, land, p);
  if (land.water == Water::sea) {
    paint_sea(canvas, land, p);
    if (land.beach) paint_beach(canvas, land, p);
    return;
  }
  if (land.desert) {
    paint_dunes(canvas, land, p);
    if (land.road) paint_road(canvas, land, p);
    return paint_cacti(canvas, land, p);
  }
  canvas.rectangle(-0.05, land.horizon + 0.015, 1.1, 1.1 - land.horizon);
  canvas.fill_linear({0, land.horizon}, {0, 1}, {{0, p.far_grass}, {1, p.near_grass}});
  if (land.water == Water::river) paint_river(canvas, land, p);
  if (land.water == Water::lake) paint_lake(canvas, land, p);
  if (land.road) paint_road(canvas, land, p);
}

}  // namespace unclip
