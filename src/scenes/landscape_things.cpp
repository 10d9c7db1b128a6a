// Landscapes: what was built: house, cabin, castle, bridge, boat.
#include <cmath>

#include "landscape.h"

namespace unclip {
namespace {

struct Colors {
  Rgb wall, roof, door, window, trim, snow;
  bool snowy;
};

void window(Canvas& canvas, const Colors& c, double x, double y, double w, double h) {
  canvas.rectangle(x - 0.02, y - 0.02, w + 0.04, h + 0.04);
  canvas.fill(c.trim);
  canvas.rectangle(x, y, w, h);
  canvas.fill(c.window);
  cairo_move_to(canvas.context(), x + w / 2, y);
  cairo_line_to(canvas.context(), x + w / 2, y + h);
  canvas.stroke(c.trim, 0.025);
}

// The upper part of a roof, white in winter.
void roof(Canvas& canvas, const Colors& c, const std::vector<Point>& corners, double top, double low) {
  canvas.polygon(corners);
  canvas.fill_linear({0, top}, {0, low}, {{0, lighter(c.roof, 0.12)}, {1, darker(c.roof, 0.12)}});
  if (!c.snowy) return;
  cairo_save(canvas.context());
  canvas.polygon(corners);
  cairo_clip(canvas.context());
  canvas.rectangle(-2, top - 0.1, 4, 0.1 + 0.62 * (low - top));
  canvas.fill(c.snow);
  cairo_restore(canvas.context());
}

// Local coordinates: the foot's middle is (0, 0), the wall about one wide.
void paint_house(Canvas& canvas, const Colors& c) {
  canvas.rectangle(0.24, -1.12, 0.14, 0.4);
  canvas.fill(darker(c.roof, 0.3));
  canvas.rectangle(-0.5, -0.62, 1, 0.62);
  canvas.fill_linear({-0.5, 0}, {0.5, 0}, {{0, c.wall}, {1, darker(c.wall, 0.1)}});
  roof(canvas, c, {{-0.36, -1.02}, {0.36, -1.02}, {0.62, -0.58}, {-0.62, -0.58}}, -1.02, -0.58);
  canvas.rectangle(-0.1, -0.42, 0.2, 0.42);
  canvas.fill(c.door);
  window(canvas, c, -0.38, -0.42, 0.18, 0.2);
  window(canvas, c, 0.2, -0.42, 0.18, 0.2);
}

void paint_cabin(Canvas& canvas, const Colors& c) {
  canvas.rectangle(0.22, -1.16, 0.13, 0.4);
  canvas.fill(hex(0x77706c));
  canvas.polygon({{-0.48, 0}, {-0.48, -0.55}, {0, -1.05}, {0.48, -0.55}, {0.48, 0}});
  canvas.fill(c.wall);
  for (double y = -0.1; y > -0.8; y -= 0.13) {  // logs
    const double half = std::min(0.48, 0.48 - (-0.55 - y));
    cairo_move_to(canvas.context(), -half, y);
    cairo_line_to(canvas.context(), half, y);
  }
  canvas.stroke(darker(c.wall, 0.32), 0.028);
  const std::vector<Point> gable{{0, -1.2}, {0.66, -0.52},  {0.56, -0.42},
                                 {0, -1.0}, {-0.56, -0.42}, {-0.66, -0.52}};
  canvas.polygon(gable);
  canvas.fill(c.snowy ? c.snow : c.roof);
  canvas.rectangle(-0.3, -0.44, 0.2, 0.44);
  canvas.fill(c.door);
  window(canvas, c, 0.06, -0.4, 0.22, 0.2);
}

void tower(Canvas& canvas, const Colors& c, double x, double w, double top, double cone) {
  canvas.rectangle(x - w / 2, top, w, -top);
  canvas.fill_linear({x - w / 2, 0}, {x + w / 2, 0}, {{0, lighter(c.wall, 0.12)}, {1, darker(c.wall, 0.18)}});
  const double wide = w * 0.68;
  cairo_t* context = canvas.context();
  cairo_move_to(context, x - wide, top);  // a pointed roof with hollow sides
  cairo_curve_to(context, x - wide * 0.4, top - cone * 0.3, x - wide * 0.2, top - cone * 0.6, x, top - cone);
  cairo_curve_to(context, x + wide * 0.2, top - cone * 0.6, x + wide * 0.4, top - cone * 0.3, x + wide, top);
  cairo_close_path(context);
  canvas.fill(c.snowy ? mix(c.roof, c.snow, 0.85) : c.roof);
  canvas.rounded_rectangle(x - w * 0.14, top + w * 0.4, w * 0.28, w * 0.5, w * 0.13);
  canvas.fill(c.window);
}

void paint_castle(Canvas& canvas, const Colors& c) {
  tower(canvas, c, 0, 0.34, -1.1, 0.5);
  std::vector<Point> wall{{-0.62, 0}, {-0.62, -0.62}};
  for (int i = 0; i < 7; ++i) {  // battlements
    const double x = -0.62 + i * 1.24 / 7, step = 1.24 / 14;
    wall.push_back({x, -0.72}), wall.push_back({x + step, -0.72});
    wall.push_back({x + step, -0.62}), wall.push_back({x + 2 * step, -0.62});
  }
  wall.push_back({0.62, 0});
  canvas.polygon(wall);
  canvas.fill_linear({0, -0.7}, {0, 0}, {{0, c.wall}, {1, darker(c.wall, 0.1)}});
  tower(canvas, c, -0.62, 0.3, -0.86, 0.44);
  tower(canvas, c, 0.62, 0.3, -0.86, 0.44);
  cairo_new_sub_path(canvas.context());
  cairo_arc(canvas.context(), 0, -0.24, 0.15, 0.5 * turn, turn);
  cairo_line_to(canvas.context(), 0.15, 0);
  cairo_line_to(canvas.context(), -0.15, 0);
  cairo_close_path(canvas.context());
  canvas.fill(c.door);
}

}  // namespace

void paint_building(Canvas& canvas, const Landscape& land, const Palette& p) {
  if (land.building == Building::none) return;
  Rng rng = image_rng(land.seed, 30);
  const bool lit = land.time == Time::night || land.low_sun();
  const std::vector<Rgb> walls{hex(0xfbf3df), hex(0xf6dfb8), hex(0xe9edf2), hex(0xf3cdb8)};
  const std::vector<Rgb> roofs{hex(0xc8402f), hex(0xa8432e), hex(0x3f62a8), hex(0x7a4a8f)};
  const auto shone = [&](Rgb color) { return times(color, lighter(p.light, 0.12)); };
  Colors c{shone(pick(rng, walls)),
           shone(pick(rng, roofs)),
           shone(hex(0x7a4b2a)),
           lit ? hex(0xffd768) : shone(hex(0x7fb0dc)),
           shone(hex(0xfafafa)),
           shone(hex(0xfafcff)),
           land.winter()};
  double size = uniform(rng, 0.27, 0.32), foot = land.horizon + uniform(rng, 0.12, 0.17);
  if (land.water == Water::lake) foot = land.horizon + 0.1;
  canvas.ellipse({land.building_x, foot}, 0.62 * size, 0.035);
  canvas.fill(darker(p.near_grass, 0.4), 0.4);
  if (land.building == Building::house) {
    const Local local(canvas, {land.building_x, foot}, size);
    paint_house(canvas, c);
  } else if (land.building == Building::cabin) {
    c.wall = shone(hex(0x9a6636)), c.roof = shone(hex(0x5b3a24)), c.door = shone(hex(0x4a2d1a));
    c.trim = shone(hex(0x5f3d22));
    if (!lit) c.window = shone(hex(0xf5dc9a));
    const Local local(canvas, {land.building_x, foot}, size);
    paint_cabin(canvas, c);
  } else {
    c.wall = shone(pick(rng, std::vector<Rgb>{hex(0xb9b4ad), hex(0xc9bda6), hex(0xa9afbd)}));
    if (!lit) c.window = shone(hex(0x3f4458));
    const Local local(canvas, {land.building_x, foot}, size * 1.08);
    paint_castle(canvas, c);
  }
}

void paint_bridge(Canvas& canvas, const Landscape& land, const Palette& p) {
  if (!land.bridge) return;
  Rng rng = image_rng(land.seed, 31);
  const double t = uniform(rng, 0.58, 0.66);
  const Way way = river_at(land, t);
  const Rgb stone = times(chance(rng, 0.5) ? hex(0xa9a29a) : hex(0xb98d5f), p.light);
  const Local local(canvas, {way.middle.x, way.middle.y}, way.half + 0.05);
  cairo_t* context = canvas.context();
  cairo_move_to(context, -1.9, 0.25);  // the humped back, then the arch from right to left
  cairo_curve_to(context, -1.2, -0.25, -0.7, -0.75, 0, -0.75);
  cairo_curve_to(context, 0.7, -0.75, 1.2, -0.25, 1.9, 0.25);
  cairo_line_to(context, 1.75, 0.5);
  cairo_line_to(context, 0.95, 0.5);
  cairo_curve_to(context, 0.9, -0.5, -0.9, -0.5, -0.95, 0.5);
  cairo_line_to(context, -1.75, 0.5);
  cairo_close_path(context);
  canvas.fill_linear({0, -0.75}, {0, 0.5}, {{0, lighter(stone, 0.15)}, {1, darker(stone, 0.2)}});
  for (const double lift : {0.0, -0.28}) {  // kerb and rail
    cairo_move_to(context, -1.85, 0.2 + lift);
    cairo_curve_to(context, -1.2, -0.3 + lift, -0.7, -0.75 + lift, 0, -0.75 + lift);
    cairo_curve_to(context, 0.7, -0.75 + lift, 1.2, -0.3 + lift, 1.85, 0.2 + lift);
  }
  for (int i = -4; i <= 4; ++i) {
    const double x = i * 0.42, y = -0.75 + 0.26 * x * x;
    cairo_move_to(context, x, y);
    cairo_line_to(context, x, y - 0.28);
  }
  canvas.stroke(darker(stone, 0.45), 0.08);
}

void paint_boat(Canvas& canvas, const Landscape& land, const Palette& p) {
  if (!land.boat) return;
  Rng rng = image_rng(land.seed, 32);
  const bool sea = land.water == Water::sea;
  const double x = sea ? uniform(rng, 0.28, 0.72) : land.path_x + uniform(rng, -0.15, 0.15);
  const double y = land.horizon + (sea ? uniform(rng, 0.12, 0.18) : 0.23);
  const auto shone = [&](Rgb color) { return times(color, lighter(p.light, 0.2)); };
  const Rgb hull =
      shone(pick(rng, std::vector<Rgb>{hex(0x9a4a2c), hex(0xc23b34), hex(0x2f4f8f), hex(0xf2f2f2)}));
  const Rgb sail =
      shone(pick(rng, std::vector<Rgb>{hex(0xfdfbf4), hex(0xfdfbf4), hex(0xf2d36b), hex(0xe0604f)}));
  const double side = chance(rng, 0.5) ? 1 : -1;
  const Local local(canvas, {x, y}, uniform(rng, 0.15, 0.18));
  cairo_t* context = canvas.context();
  canvas.ellipse({0, 0.22}, 0.9, 0.1);
  canvas.fill(darker(p.water_near, 0.3), 0.5);
  cairo_move_to(context, 0, 0);
  cairo_line_to(context, 0, -1.3);
  canvas.stroke(shone(hex(0x5f4128)), 0.08);
  cairo_move_to(context, side * 0.08, -1.25);
  cairo_curve_to(context, side * 0.6, -0.8, side * 0.75, -0.5, side * 0.78, -0.14);
  cairo_line_to(context, side * 0.08, -0.14);
  cairo_close_path(context);
  canvas.fill(sail);
  canvas.polygon({{side * -0.08, -1.05}, {side * -0.08, -0.14}, {side * -0.55, -0.14}});
  canvas.fill(darker(sail, 0.1));
  cairo_move_to(context, -0.85, -0.06);
  cairo_line_to(context, 0.85, -0.06);
  cairo_curve_to(context, 0.75, 0.2, 0.6, 0.26, 0.5, 0.26);
  cairo_line_to(context, -0.5, 0.26);
  cairo_curve_to(context, -0.6, 0.26, -0.75, 0.2, -0.85, -0.06);
  cairo_close_path(context);
  canvas.fill_linear({0, -0.06}, {0, 0.26}, {{0, hull}, {1, darker(hull, 0.25)}});
}

}  // namespace unclip
