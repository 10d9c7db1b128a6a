// Characters: the twelve bodies. Each paints itself and says where face, clothes and hand belong.
#include <algorithm>
#include <cmath>

#include "character.h"

namespace unclip {
namespace {

void shaded(Canvas& canvas, Rgb base) {
  canvas.fill_linear({-0.7, -0.9}, {0.7, 1},
                     {{0, lighter(base, 0.22)}, {0.5, base}, {1, darker(base, 0.25)}});
}

void blob(Canvas& canvas, Point c, double rx, double ry, Rgb color) {
  canvas.ellipse(c, rx, ry);
  canvas.fill(color);
}

void egg(Canvas& canvas, Point c, double rx, double ry, Rgb base) {
  const Local local(canvas, c, 1);
  canvas.ellipse({0, 0}, rx, ry);
  canvas.fill_radial({-0.35 * rx, -0.4 * ry}, 1.5 * std::max(rx, ry),
                     {{0, lighter(base, 0.22)}, {0.45, base}, {1, darker(base, 0.25)}});
}

Body robot(Canvas& canvas, Rgb base) {
  const Rgb metal = darker(mix(base, hex(0x8a94a0), 0.35), 0.25);
  cairo_move_to(canvas.context(), 0, -0.6);
  cairo_line_to(canvas.context(), 0, -0.86);
  canvas.stroke(metal, 0.08);
  blob(canvas, {0, -0.9}, 0.1, 0.1, hex(0xe84545));
  for (const double side : {-1.0, 1.0}) {
    canvas.rounded_rectangle(side * 0.64 - 0.1, 0.26, 0.2, 0.48, 0.1);
    canvas.rounded_rectangle(side * 0.26 - 0.13, 0.74, 0.26, 0.24, 0.06);
    canvas.rounded_rectangle(side * 0.76 - 0.08, -0.4, 0.16, 0.32, 0.05);
    canvas.fill(metal);
  }
  canvas.rounded_rectangle(-0.5, 0.16, 1.0, 0.66, 0.1);
  shaded(canvas, darker(base, 0.08));
  canvas.rounded_rectangle(-0.26, 0.32, 0.52, 0.3, 0.05);
  canvas.fill(lighter(base, 0.5));
  canvas.rounded_rectangle(-0.74, -0.66, 1.48, 0.82, 0.14);
  shaded(canvas, base);
  canvas.rounded_rectangle(-0.6, -0.54, 1.2, 0.58, 0.1);
  canvas.fill(hex(0x2a3140));
  return {{0, -0.34}, 0.3,  0.16,     {0, -0.08}, 0.18,        hex(0x2a3140),
          {0, -0.64}, 0.52, {0, 0.2}, 0.46,       {0.68, 0.66}};
}

Body slime(Canvas& canvas, Rgb base) {
  cairo_move_to(canvas.context(), 0, -0.62);
  curve(canvas, {0.3, -0.45}, {0.86, 0.1}, {0.88, 0.62});
  curve(canvas, {0.88, 0.95}, {0.5, 0.96}, {0, 0.96});
  curve(canvas, {-0.5, 0.96}, {-0.88, 0.95}, {-0.88, 0.62});
  curve(canvas, {-0.86, 0.1}, {-0.3, -0.45}, {0, -0.62});
  cairo_close_path(canvas.context());
  canvas.fill_linear({0, -0.6}, {0, 0.96}, {{0, lighter(base, 0.3)}, {0.5, base}, {1, darker(base, 0.22)}});
  canvas.ellipse({-0.38, -0.02}, 0.08, 0.15);
  canvas.fill(white, 0.6);
  return {{0, 0.24}, 0.34, 0.19, {0, 0.55}, 0.2, base, {0, -0.46}, 0.42, {0, 0.68}, 0.86, {0.8, 0.62}};
}

Body ghost(Canvas& canvas, Rgb base) {
  cairo_move_to(canvas.context(), -0.66, 0.9);
  curve(canvas, {-0.7, 0.3}, {-0.68, 0.1}, {-0.66, -0.1});
  curve(canvas, {-0.64, -0.98}, {0.64, -0.98}, {0.66, -0.1});
  curve(canvas, {0.68, 0.1}, {0.7, 0.3}, {0.66, 0.9});
  curve(canvas, {0.5, 1.0}, {0.44, 0.72}, {0.33, 0.74});
  curve(canvas, {0.2, 0.74}, {0.15, 1.0}, {0, 0.94});
  curve(canvas, {-0.15, 1.0}, {-0.2, 0.74}, {-0.33, 0.74});
  curve(canvas, {-0.44, 0.72}, {-0.5, 1.0}, {-0.66, 0.9});
  cairo_close_path(canvas.context());
  canvas.fill_linear({-0.6, -0.7}, {0.6, 0.9},
                     {{0, lighter(base, 0.3)}, {0.5, base}, {1, darker(base, 0.18)}});
  for (const double side : {-1.0, 1.0}) blob(canvas, {side * 0.72, 0.24}, 0.16, 0.12, base);
  return {{0, -0.2}, 0.28, 0.18, {0, 0.14}, 0.18, base, {0, -0.68}, 0.42, {0, 0.44}, 0.64, {0.74, 0.26}};
}

void cat_ear(Canvas& canvas, double side, Rgb base) {
  canvas.polygon({{side * 0.62, -0.2}, {side * 0.62, -0.92}, {side * 0.12, -0.56}});
  canvas.fill(base);
  canvas.polygon({{side * 0.54, -0.38}, {side * 0.54, -0.74}, {side * 0.28, -0.56}});
  canvas.fill(hex(0xf2a7b0));
}

Body cat(Canvas& canvas, Rgb base) {
  cairo_move_to(canvas.context(), 0.36, 0.82);
  curve(canvas, {0.9, 0.9}, {0.95, 0.5}, {0.82, 0.3});
  canvas.stroke(darker(base, 0.15), 0.15);
  egg(canvas, {0, 0.58}, 0.44, 0.4, darker(base, 0.06));
  for (const double side : {-1.0, 1.0}) {
    blob(canvas, {side * 0.2, 0.9}, 0.16, 0.1, lighter(base, 0.15));
    cat_ear(canvas, side, base);
  }
  egg(canvas, {0, -0.16}, 0.7, 0.54, base);
  for (const double side : {-1.0, 1.0}) {
    for (const double tilt : {-0.04, 0.06}) {
      cairo_move_to(canvas.context(), side * 0.44, 0.08 + tilt / 2);
      cairo_line_to(canvas.context(), side * 0.86, 0.05 + 2 * tilt);
    }
  }
  canvas.stroke(luminance(base) < 0.3 ? hex(0xe8e4dc) : ink, 0.03);
  canvas.polygon({{-0.08, 0.0}, {0.08, 0.0}, {0, 0.08}});
  canvas.fill(hex(0xe8798a));
  return {{0, -0.22}, 0.32, 0.18, {0, 0.18}, 0.16, base, {0, -0.62}, 0.4, {0, 0.36}, 0.42, {0.42, 0.62}};
}

Body dog(Canvas& canvas, Rgb base) {
  cairo_move_to(canvas.context(), 0.38, 0.78);
  curve(canvas, {0.6, 0.76}, {0.72, 0.6}, {0.76, 0.4});
  canvas.stroke(darker(base, 0.15), 0.16);
  egg(canvas, {0, 0.6}, 0.44, 0.38, darker(base, 0.06));
  for (const double side : {-1.0, 1.0}) blob(canvas, {side * 0.2, 0.9}, 0.16, 0.1, lighter(base, 0.15));
  egg(canvas, {0, -0.16}, 0.62, 0.55, base);
  for (const double side : {-1.0, 1.0}) {  // hanging ears
    const Local local(canvas, {side * 0.6, -0.5}, 1, side * -0.22);
    canvas.ellipse({side * 0.02, 0.34}, 0.18, 0.42);
    canvas.fill(darker(base, 0.36));
  }
  blob(canvas, {0, 0.14}, 0.34, 0.25, lighter(base, luminance(base) < 0.3 ? 0.4 : 0.55));
  blob(canvas, {0, 0.0}, 0.13, 0.09, ink);
  return {{0, -0.26}, 0.27, 0.16, {0, 0.2}, 0.15, base, {0, -0.66}, 0.42, {0, 0.38}, 0.42, {0.42, 0.64}};
}

Body bird(Canvas& canvas, Rgb base) {
  for (const double side : {-1.0, 1.0}) {
    cairo_move_to(canvas.context(), side * 0.2, 0.72);
    cairo_line_to(canvas.context(), side * 0.22, 0.94);
    cairo_line_to(canvas.context(), side * 0.36, 0.95);
  }
  canvas.stroke(hex(0xd98a1e), 0.08);
  canvas.polygon({{-0.08, -0.6}, {-0.22, -0.9}, {0, -0.76}, {0.12, -0.98}, {0.14, -0.6}});
  canvas.fill(darker(base, 0.15));
  egg(canvas, {0, 0.08}, 0.74, 0.74, base);
  blob(canvas, {0, 0.42}, 0.42, 0.36, lighter(base, 0.5));
  for (const double side : {-1.0, 1.0}) {
    const Local local(canvas, {side * 0.72, 0.22}, 1, side * -0.35);
    blob(canvas, {0, 0.05}, 0.17, 0.38, darker(base, 0.25));
  }
  return {{0, -0.16}, 0.3, 0.19, {0, 0.1}, 0.17, base, {0, -0.6}, 0.42, {0, 0.4}, 0.68, {0.8, 0.4}, true};
}

Body fish(Canvas& canvas, Rgb base) {
  cairo_move_to(canvas.context(), -0.5, 0.1);  // tail
  curve(canvas, {-0.7, -0.1}, {-0.85, -0.35}, {-1.05, -0.4});
  curve(canvas, {-0.9, -0.05}, {-0.9, 0.25}, {-1.05, 0.6});
  curve(canvas, {-0.85, 0.55}, {-0.7, 0.3}, {-0.5, 0.1});
  cairo_close_path(canvas.context());
  canvas.fill(darker(base, 0.22));
  cairo_move_to(canvas.context(), -0.4, -0.3);  // back fin
  curve(canvas, {-0.25, -0.75}, {0.05, -0.8}, {0.2, -0.72});
  curve(canvas, {0.12, -0.6}, {0.12, -0.5}, {0.2, -0.4});
  cairo_close_path(canvas.context());
  canvas.fill(darker(base, 0.22));
  egg(canvas, {0.14, 0.1}, 0.82, 0.58, base);
  blob(canvas, {0.14, 0.4}, 0.5, 0.2, lighter(base, 0.4));
  canvas.polygon({{-0.28, 0.12}, {-0.56, 0.34}, {-0.2, 0.4}});
  canvas.fill(darker(base, 0.3));
  return {{0.48, -0.06}, 0.24, 0.17, {0.5, 0.3}, 0.16, base, {0.3, -0.44}, 0.36, {0, 0.3}, 0.5};
}

Body alien(Canvas& canvas, Rgb base) {
  for (const double side : {-1.0, 1.0}) {
    cairo_move_to(canvas.context(), side * 0.25, -0.6);
    curve(canvas, {side * 0.3, -0.75}, {side * 0.42, -0.84}, {side * 0.5, -0.86});
  }
  canvas.stroke(darker(base, 0.2), 0.07);
  for (const double side : {-1.0, 1.0}) blob(canvas, {side * 0.52, -0.88}, 0.1, 0.1, hex(0xffe066));
  cairo_move_to(canvas.context(), -0.2, 0.3);
  curve(canvas, {-0.5, 0.5}, {-0.46, 0.9}, {-0.4, 0.95});
  cairo_line_to(canvas.context(), 0.4, 0.95);
  curve(canvas, {0.46, 0.9}, {0.5, 0.5}, {0.2, 0.3});
  cairo_close_path(canvas.context());
  canvas.fill(darker(base, 0.2));
  cairo_move_to(canvas.context(), 0, 0.46);  // head: wide above, narrow chin
  curve(canvas, {0.42, 0.44}, {0.78, 0.02}, {0.72, -0.3});
  curve(canvas, {0.64, -0.86}, {-0.64, -0.86}, {-0.72, -0.3});
  curve(canvas, {-0.78, 0.02}, {-0.42, 0.44}, {0, 0.46});
  cairo_close_path(canvas.context());
  shaded(canvas, base);
  return {{0, -0.18}, 0.32, 0.2, {0, 0.2}, 0.15, base, {0, -0.66}, 0.42, {0, 0.5}, 0.36, {0.5, 0.68}};
}

Body knight(Canvas& canvas, Rgb base) {
  canvas.rounded_rectangle(-0.52, 0.26, 1.04, 0.7, 0.2);
  shaded(canvas, darker(base, 0.1));
  for (const double side : {-1.0, 1.0}) blob(canvas, {side * 0.54, 0.4}, 0.2, 0.18, lighter(base, 0.12));
  canvas.rectangle(-0.5, 0.66, 1, 0.12);
  canvas.fill(hex(0x6b4423));
  const Rgb plume = base.r > 0.6 && base.g < 0.5 ? hex(0xf4c53a) : hex(0xd83a3a);
  cairo_move_to(canvas.context(), 0, -0.6);
  curve(canvas, {-0.1, -0.95}, {-0.5, -1.05}, {-0.66, -0.72});
  curve(canvas, {-0.45, -0.8}, {-0.3, -0.7}, {-0.2, -0.56});
  cairo_close_path(canvas.context());
  canvas.fill(plume);
  cairo_move_to(canvas.context(), -0.64, 0.32);  // helmet
  curve(canvas, {-0.7, -0.96}, {0.7, -0.96}, {0.64, 0.32});
  cairo_close_path(canvas.context());
  shaded(canvas, base);
  canvas.rounded_rectangle(-0.5, -0.34, 1.0, 0.58, 0.2);
  canvas.fill(hex(0xf5c9a2));
  canvas.rounded_rectangle(-0.6, -0.42, 1.2, 0.11, 0.05);
  canvas.fill(darker(base, 0.35));
  return {{0, -0.14}, 0.24, 0.14,      {0, 0.12}, 0.14,        hex(0xf5c9a2),
          {0, -0.62}, 0.44, {0, 0.34}, 0.5,       {0.66, 0.56}};
}

Body wizard(Canvas& canvas, Rgb base) {
  cairo_move_to(canvas.context(), -0.3, 0.1);
  curve(canvas, {-0.6, 0.4}, {-0.7, 0.8}, {-0.7, 0.96});
  cairo_line_to(canvas.context(), 0.7, 0.96);
  curve(canvas, {0.7, 0.8}, {0.6, 0.4}, {0.3, 0.1});
  cairo_close_path(canvas.context());
  shaded(canvas, darker(base, 0.08));
  blob(canvas, {0, -0.06}, 0.48, 0.42, hex(0xf5c9a2));
  cairo_move_to(canvas.context(), -0.48, -0.02);  // beard
  curve(canvas, {-0.5, 0.5}, {-0.2, 0.7}, {0, 0.84});
  curve(canvas, {0.2, 0.7}, {0.5, 0.5}, {0.48, -0.02});
  curve(canvas, {0.35, 0.16}, {-0.35, 0.16}, {-0.48, -0.02});
  cairo_close_path(canvas.context());
  canvas.fill(hex(0xf4f1ea));
  cairo_move_to(canvas.context(), -0.5, -0.3);  // hat with a bent tip
  curve(canvas, {-0.3, -0.6}, {-0.2, -0.95}, {0.2, -1.12});
  curve(canvas, {0.14, -0.9}, {0.34, -0.6}, {0.5, -0.3});
  cairo_close_path(canvas.context());
  shaded(canvas, base);
  canvas.ellipse({0, -0.3}, 0.8, 0.13);
  canvas.fill(darker(base, 0.2));
  canvas.rectangle(-0.46, -0.46, 0.9, 0.12);
  canvas.fill(luminance(base) > 0.6 ? hex(0x7a4fb0) : hex(0xf6cf4a));
  return {{0, -0.06}, 0.2, 0.13, {0, 0.24}, 0.13, hex(0xf5c9a2), {0, -0.5}, 0.4, {0, 0.3}, 0.4, {0.62, 0.54}};
}

Body monster(Canvas& canvas, Rgb base) {
  for (const double side : {-1.0, 1.0}) {
    cairo_move_to(canvas.context(), side * 0.24, -0.5);
    curve(canvas, {side * 0.3, -0.8}, {side * 0.5, -0.9}, {side * 0.66, -0.98});
    curve(canvas, {side * 0.7, -0.7}, {side * 0.66, -0.5}, {side * 0.54, -0.36});
    cairo_close_path(canvas.context());
    canvas.fill(hex(0xd9bf8a));
    blob(canvas, {side * 0.34, 0.9}, 0.24, 0.12, darker(base, 0.25));
  }
  std::vector<Point> fur;
  for (int i = 0; i < 44; ++i) {
    const double angle = turn * i / 44, r = i % 2 ? 0.9 : 1.02;
    fur.push_back({0.74 * r * std::cos(angle), 0.14 + 0.74 * r * std::sin(angle)});
  }
  canvas.polygon(fur);
  shaded(canvas, base);
  canvas.ellipse({0, 0.56}, 0.4, 0.28);
  canvas.fill(lighter(base, 0.32));
  return {{0, -0.12}, 0.29, 0.2, {0, 0.24}, 0.22, base, {0, -0.52}, 0.42, {0, 0.56}, 0.6, {0.74, 0.42}};
}

Body owl(Canvas& canvas, Rgb base) {
  for (const double side : {-1.0, 1.0}) {
    canvas.polygon({{side * 0.2, -0.56}, {side * 0.64, -0.94}, {side * 0.64, -0.2}});
    canvas.fill(darker(base, 0.25));
    blob(canvas, {side * 0.22, 0.92}, 0.15, 0.08, hex(0xe0a030));
  }
  egg(canvas, {0, 0.14}, 0.68, 0.8, base);
  blob(canvas, {0, 0.5}, 0.4, 0.38, lighter(base, 0.45));
  for (int row = 0; row < 2; ++row) {
    for (int i = 0; i < 3 - row; ++i) {
      const double x = (i - (2 - row) / 2.0) * 0.24, y = 0.44 + 0.18 * row;
      cairo_move_to(canvas.context(), x - 0.07, y);
      cairo_line_to(canvas.context(), x, y + 0.06);
      cairo_line_to(canvas.context(), x + 0.07, y);
    }
  }
  canvas.stroke(darker(base, 0.2), 0.05);
  for (const double side : {-1.0, 1.0}) {
    const Local local(canvas, {side * 0.64, 0.34}, 1, side * -0.2);
    blob(canvas, {0, 0.05}, 0.16, 0.42, darker(base, 0.28));
  }
  for (const double side : {-1.0, 1.0}) blob(canvas, {side * 0.3, -0.22}, 0.34, 0.33, lighter(base, 0.6));
  return {{0, -0.22}, 0.3, 0.22,      {0, 0.04}, 0.14,       lighter(base, 0.6),
          {0, -0.62}, 0.4, {0, 0.36}, 0.6,       {0.7, 0.5}, true};
}

}  // namespace

Body paint_body(Canvas& canvas, Kind kind, Rgb base) {
  static constexpr std::array painters{robot, slime, ghost,  cat,    dog,     bird,
                                       fish,  alien, knight, wizard, monster, owl};
  return painters[static_cast<size_t>(kind)](canvas, base);
}

}  // namespace unclip
