// Landscapes: what grows: pines, round trees, bare trees, palms, flowers, grass.
#include <cmath>

#include "landscape.h"

namespace unclip {
namespace {

// Like a leafy crown or a petalled flower: an ellipse whose edge has `lobes` bumps.
void bumpy(Canvas& canvas, Point c, double rx, double ry, int lobes, double depth, double tilt) {
  std::vector<Point> edge;
  const int steps = lobes * 5;
  for (int i = 0; i < steps; ++i) {
    const double angle = turn * i / steps;
    const double r = 1 - depth + depth * std::abs(std::cos(angle * lobes / 2));
    edge.push_back({c.x + rx * r * std::cos(angle + tilt), c.y + ry * r * std::sin(angle + tilt)});
  }
  canvas.polygon(edge);
}

void paint_pine(Canvas& canvas, const Landscape& land, const Palette& p, Point foot, double height,
                Rgb green) {
  const double w = 0.23 * height;
  canvas.rectangle(foot.x - 0.045 * height, foot.y - 0.16 * height, 0.09 * height, 0.16 * height);
  canvas.fill(times(hex(0x6b4a2e), p.light));
  const auto tier = [&](double top, double low, double half) {
    const double y = foot.y - low * height, dip = 0.035 * height;
    canvas.polygon({{foot.x, foot.y - top * height},
                    {foot.x + half * w, y},
                    {foot.x + half * 0.45 * w, y - dip},
                    {foot.x, y + dip * 0.6},
                    {foot.x - half * 0.45 * w, y - dip},
                    {foot.x - half * w, y}});
  };
  const std::array<std::array<double, 3>, 3> tiers{{{0.58, 0.13, 1}, {0.8, 0.36, 0.8}, {1, 0.6, 0.58}}};
  for (const auto& [top, low, half] : tiers) {
    tier(top, low, half);
    canvas.fill(mix(green, darker(green, 0.3), 1 - top));
    if (!land.winter()) continue;
    const double cap = top - 0.55 * (top - low);
    tier(top, cap, half * 0.58);
    canvas.fill(times(hex(0xf7fbff), lighter(p.light, 0.12)));
  }
}

void paint_bare(Canvas& canvas, const Palette& p, Point foot, double height) {
  const auto branch = [&](double x1, double y1, double x2, double y2) {
    cairo_move_to(canvas.context(), foot.x + x1 * height, foot.y - y1 * height);
    cairo_line_to(canvas.context(), foot.x + x2 * height, foot.y - y2 * height);
  };
  branch(0, 0, 0, 0.55);
  canvas.stroke(times(hex(0x5f4a3c), p.light), 0.09 * height);
  branch(0, 0.5, 0.03, 0.95);
  branch(0, 0.35, -0.26, 0.72);
  branch(0, 0.42, 0.27, 0.78);
  branch(-0.12, 0.52, -0.12, 0.82);
  branch(0.13, 0.58, 0.14, 0.88);
  canvas.stroke(times(hex(0x5f4a3c), p.light), 0.05 * height);
}

void paint_round(Canvas& canvas, const Palette& p, Point foot, double height, Rgb leaf) {
  canvas.rectangle(foot.x - 0.055 * height, foot.y - 0.4 * height, 0.11 * height, 0.4 * height);
  canvas.fill(times(hex(0x7a5230), p.light));
  const Point c{foot.x, foot.y - 0.64 * height};
  bumpy(canvas, c, 0.36 * height, 0.38 * height, 7, 0.16, 0.4);
  canvas.fill_linear({0, c.y - 0.36 * height}, {0, c.y + 0.36 * height},
                     {{0, lighter(leaf, 0.22)}, {1, darker(leaf, 0.16)}});
}

// A tree as the season and the wood have it.
void paint_tree(Canvas& canvas, Rng& rng, const Landscape& land, const Palette& p, Point foot, double height,
                bool pine, double haze) {
  const Rgb leaf = mix(pick(rng, p.leaves), p.sky_low, haze), green = mix(p.pine, p.sky_low, haze);
  const double tone = uniform(rng, -0.08, 0.1);
  if (pine) return paint_pine(canvas, land, p, foot, height, lighter(green, std::max(tone, 0.0)));
  if (land.winter()) return paint_bare(canvas, p, foot, height);
  paint_round(canvas, p, foot, height, lighter(leaf, std::max(tone, 0.0)));
}

void paint_palm(Canvas& canvas, const Palette& p, Point foot, double height, double lean) {
  const Point top{foot.x + lean * height, foot.y - height};
  cairo_t* context = canvas.context();
  cairo_move_to(context, foot.x, foot.y);
  cairo_curve_to(context, foot.x, foot.y - 0.4 * height, foot.x + 0.3 * lean * height, foot.y - 0.7 * height,
                 top.x, top.y);
  canvas.stroke(times(hex(0x8a6238), p.light), 0.055 * height);
  for (int i = 0; i < 6; ++i) {
    const double angle = turn * (0.52 + 0.096 * i), reach = 0.45 * height;
    const Point tip{top.x + reach * std::cos(angle), top.y + 0.8 * reach * std::sin(angle) + 0.16 * height};
    const Point bend{top.x + 0.6 * reach * std::cos(angle),
                     top.y + 0.9 * reach * std::sin(angle) - 0.04 * height};
    cairo_move_to(context, top.x, top.y);
    cairo_curve_to(context, bend.x, bend.y, bend.x, bend.y, tip.x, tip.y);
    cairo_curve_to(context, bend.x, bend.y + 0.12 * height, bend.x, bend.y + 0.1 * height, top.x,
                   top.y + 0.05 * height);
    cairo_close_path(context);
    canvas.fill(times(i % 2 ? hex(0x2f8f4a) : hex(0x47a858), p.light));
  }
}

// Free of trees: building, water and way.
bool is_free(const Landscape& land, double x, double y) {
  if (land.building != Building::none && std::abs(x - land.building_x) < 0.24) return false;
  if (land.water == Water::lake)
    return std::abs(x - land.path_x) > 0.45 || y < land.horizon + 0.09 || y > land.horizon + 0.4;
  if (land.water == Water::none && !land.road) return true;
  for (int i = 0; i <= 12; ++i) {
    const Way way = river_at(land, i / 12.0);
    if (std::abs(way.middle.y - y) < 0.06 && std::abs(way.middle.x - x) < way.half + 0.07) return false;
  }
  return true;
}

void paint_forest(Canvas& canvas, Rng& rng, const Landscape& land, const Palette& p, bool near) {
  const double h = land.horizon;
  const bool pines = land.winter() ? chance(rng, 0.85) : land.season == Season::any && chance(rng, 0.5);
  const auto row = [&](double y, int count, double tall, double haze) {
    for (int i = 0; i < count; ++i) {
      const double x = (i + 0.5 + uniform(rng, -0.2, 0.2)) / count, height = tall * uniform(rng, 0.85, 1.15);
      const double low = y + uniform(rng, -0.012, 0.012);
      if (haze == 0 && !is_free(land, x, y)) continue;
      paint_tree(canvas, rng, land, p, {x, low}, height, pines != chance(rng, 0.06), haze);
    }
  };
  if (!near) {
    row(h + 0.035, 13, 0.2, 0.3);
    row(h + 0.075, 10, 0.26, 0.14);
    return;
  }
  row(h + 0.17, 7, 0.34, 0);
  row(h + 0.33, 4, 0.46, 0);
}

void paint_single(Canvas& canvas, Rng& rng, const Landscape& land, const Palette& p) {
  const int count = land.flowers ? 1 : uniform_int(rng, 1, 3);
  for (int i = 0; i < count; ++i) {
    const double x = uniform(rng, 0, 1) < 0.5 ? uniform(rng, 0.05, 0.3) : uniform(rng, 0.7, 0.95);
    const double y = land.horizon + uniform(rng, 0.08, 0.2), height = 0.16 + 0.9 * (y - land.horizon);
    const bool pine = land.winter() || (land.season == Season::any && land.mountains);
    if (is_free(land, x, y)) paint_tree(canvas, rng, land, p, {x, y}, height, pine, 0);
  }
}

}  // namespace

void paint_trees(Canvas& canvas, const Landscape& land, const Palette& p, bool near) {
  Rng rng = image_rng(land.seed, near ? 21 : 20);
  if (land.desert) return;
  if (land.water == Water::sea) {
    if (near && land.beach && chance(rng, 0.65)) {
      const bool left = chance(rng, 0.5);
      paint_palm(canvas, p, {left ? 0.1 : 0.9, 0.97}, uniform(rng, 0.48, 0.58), left ? 0.16 : -0.16);
    }
    return;
  }
  if (land.forest) return paint_forest(canvas, rng, land, p, near);
  if (near) paint_single(canvas, rng, land, p);
}

void paint_flowers(Canvas& canvas, const Landscape& land, const Palette& p) {
  if (!land.flowers && !land.meadow) return;
  Rng rng = image_rng(land.seed, 22);
  const std::vector<Rgb> colors{hex(0xe8384f), hex(0xf7d038), hex(0xf48fc0), hex(0xa65ad6), hex(0xfdfdfd)};
  const double top = land.horizon + 0.16, size = land.flowers ? 0.045 : 0.02;
  for (double y = top; y < 0.97; y += 0.035) {  // blades first, a row at a time
    for (double x = uniform(rng, 0, 0.06); x < 1; x += 0.075) {
      if (!is_free(land, x, y)) continue;
      cairo_move_to(canvas.context(), x, y);
      cairo_line_to(canvas.context(), x + uniform(rng, -0.012, 0.012), y - 0.03);
    }
  }
  canvas.stroke(darker(p.near_grass, 0.25), 0.008, 0.6);
  const int rows = land.flowers ? 4 : 5;
  for (int row = 0; row < rows; ++row) {
    const double depth = (row + 0.5) / rows, y = top + 0.05 + (0.9 - top) * depth;
    const int count = land.flowers ? 7 - row / 2 : 8;
    for (int i = 0; i < count; ++i) {
      const Point at{(i + 0.5 + uniform(rng, -0.3, 0.3)) / count, y + uniform(rng, -0.02, 0.02)};
      const double r = size * (0.6 + 0.55 * depth);
      const Rgb color = times(pick(rng, colors), lighter(p.light, 0.15));
      if (!is_free(land, at.x, at.y)) continue;
      bumpy(canvas, at, r, r * 0.92, 5, 0.42, 0.3);
      canvas.fill(color);
      if (!land.flowers) continue;
      canvas.circle(at, r * 0.3);
      canvas.fill(times(luminance(color) > 0.75 ? hex(0xf2a33a) : hex(0xffe27a), p.light));
    }
  }
}

}  // namespace unclip
