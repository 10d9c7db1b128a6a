// How the things of a game look: each within [-1, 1], a strong outline first, few details.
#include <cmath>

#include "item.h"

namespace unclip {
namespace {

constexpr Rgb gold = hex(0xf2b632), wood = hex(0x7d4f2a);

// From upper left, as if lit from there.
void lit(Canvas& canvas, Rgb base) {
  canvas.fill_linear({-0.8, -0.9}, {0.8, 0.9},
                     {{0, lighter(base, 0.28)}, {0.45, base}, {1, darker(base, 0.28)}});
}

void shine(Canvas& canvas, Point c, double rx, double ry, double alpha = 0.6) {
  canvas.ellipse(c, rx, ry);
  canvas.fill(white, alpha);
}

void potion(Canvas& canvas, Rgb base) {
  const Rgb glass = hex(0xd7e8f2);
  canvas.rectangle(-0.2, -0.72, 0.4, 0.5);
  canvas.fill(glass);
  canvas.circle({0, 0.28}, 0.68);
  canvas.fill(glass);
  canvas.rounded_rectangle(-0.29, -0.76, 0.58, 0.15, 0.07);
  canvas.fill(darker(glass, 0.15));
  canvas.rounded_rectangle(-0.17, -0.98, 0.34, 0.26, 0.06);
  canvas.fill(wood);
  cairo_new_sub_path(canvas.context());  // the liquid: a cut circle
  cairo_arc(canvas.context(), 0, 0.28, 0.58, -0.035 * turn, 0.535 * turn);
  cairo_close_path(canvas.context());
  lit(canvas, base);
  canvas.ellipse({0, 0.15}, 0.565, 0.1);
  canvas.fill(lighter(base, 0.35));
  canvas.circle({0.2, 0.48}, 0.08);
  canvas.circle({0.0, 0.62}, 0.05);
  canvas.fill(lighter(base, 0.5), 0.8);
  shine(canvas, {-0.36, 0.02}, 0.09, 0.2, 0.7);
}

void sword(Canvas& canvas, Rgb base) {
  const Local local(canvas, {0, 0}, 1, turn / 8);
  canvas.rounded_rectangle(-0.1, 0.6, 0.2, 0.5, 0.06);
  canvas.fill(wood);
  canvas.circle({0, 1.12}, 0.14);
  canvas.fill(darker(gold, 0.08));
  canvas.polygon({{-0.19, 0.52}, {-0.19, -1.0}, {0, -1.28}, {0.19, -1.0}, {0.19, 0.52}});
  canvas.fill(lighter(base, 0.3));
  canvas.polygon({{0, 0.52}, {0, -1.28}, {0.19, -1.0}, {0.19, 0.52}});
  canvas.fill(darker(base, 0.12));
  canvas.rounded_rectangle(-0.5, 0.46, 1.0, 0.18, 0.09);
  canvas.fill(gold);
}

void shield_path(Canvas& canvas, double s) {
  cairo_move_to(canvas.context(), -0.72 * s, -0.78 * s);
  curve(canvas, {-0.4 * s, -0.74 * s}, {-0.2 * s, -0.8 * s}, {0, -0.94 * s});
  curve(canvas, {0.2 * s, -0.8 * s}, {0.4 * s, -0.74 * s}, {0.72 * s, -0.78 * s});
  curve(canvas, {0.78 * s, 0.05 * s}, {0.6 * s, 0.62 * s}, {0, 0.98 * s});
  curve(canvas, {-0.6 * s, 0.62 * s}, {-0.78 * s, 0.05 * s}, {-0.72 * s, -0.78 * s});
  cairo_close_path(canvas.context());
}

void shield(Canvas& canvas, Rgb base) {
  shield_path(canvas, 1);
  canvas.fill(luminance(base) > 0.68 ? hex(0x7f8894) : hex(0xdfe4ea));
  shield_path(canvas, 0.84);
  lit(canvas, base);
  cairo_save(canvas.context());
  shield_path(canvas, 0.84);
  cairo_clip(canvas.context());
  canvas.rectangle(-0.14, -1, 0.28, 2);
  canvas.fill(lighter(base, 0.5));
  canvas.rectangle(0.14, -1, 0.8, 2);
  canvas.fill(darker(base, 0.5), 0.25);
  cairo_restore(canvas.context());
}

void gem(Canvas& canvas, Rgb base) {
  const Point left{-0.9, -0.25}, right{0.9, -0.25}, tip{0, 0.85}, top_left{-0.52, -0.72},
      top_right{0.52, -0.72};
  const Point a{-0.36, -0.25}, b{0.36, -0.25}, middle{0, -0.72};
  const auto facet = [&](const std::vector<Point>& corners, Rgb color) {
    canvas.polygon(corners);
    canvas.fill(color);
  };
  facet({top_left, top_right, right, tip, left}, base);
  facet({left, a, tip}, lighter(base, 0.12));
  facet({a, b, tip}, lighter(base, 0.3));
  facet({b, right, tip}, darker(base, 0.22));
  facet({left, top_left, a}, lighter(base, 0.45));
  facet({top_left, middle, a}, lighter(base, 0.2));
  facet({a, middle, b}, lighter(base, 0.6));
  facet({middle, top_right, b}, lighter(base, 0.1));
  facet({top_right, right, b}, darker(base, 0.12));
}

void coin(Canvas& canvas, Rgb base) {
  canvas.circle({0.05, 0.06}, 0.86);
  canvas.fill(darker(base, 0.42));
  canvas.circle({0, 0}, 0.86);
  lit(canvas, base);
  canvas.circle({0, 0}, 0.64);
  canvas.fill(darker(base, 0.2));
  canvas.circle({0.02, 0.03}, 0.61);
  canvas.fill(lighter(base, 0.12));
  canvas.rounded_rectangle(-0.13, -0.38, 0.26, 0.76, 0.06);
  canvas.fill(darker(base, 0.3));
  canvas.rounded_rectangle(-0.13, -0.38, 0.18, 0.72, 0.06);
  canvas.fill(lighter(base, 0.4));
}

void key(Canvas& canvas, Rgb base) {
  const Local local(canvas, {0, 0}, 1, turn / 8);
  canvas.rectangle(-0.11, -0.3, 0.22, 1.36);
  canvas.rectangle(0.05, 0.82, 0.42, 0.2);
  canvas.rectangle(0.05, 0.48, 0.34, 0.2);
  canvas.fill(base);
  canvas.rectangle(-0.02, -0.3, 0.13, 1.36);
  canvas.fill(darker(base, 0.3), 0.6);
  canvas.shape(Shape::ring, {0, -0.68}, 0.5);
  canvas.fill_linear({-0.5, -1.1}, {0.5, -0.2}, {{0, lighter(base, 0.3)}, {1, darker(base, 0.15)}});
  canvas.rounded_rectangle(-0.24, -0.24, 0.48, 0.16, 0.07);
  canvas.fill(darker(base, 0.15));
}

void chest(Canvas& canvas, Rgb base) {
  const Rgb metal =
      std::hypot(base.r - gold.r, base.g - gold.g, base.b - gold.b) < 0.4 ? hex(0x8a5a1c) : gold;
  cairo_new_sub_path(canvas.context());  // the lid
  cairo_arc(canvas.context(), -0.45, -0.25, 0.45, 0.5 * turn, 0.75 * turn);
  cairo_arc(canvas.context(), 0.45, -0.25, 0.45, 0.75 * turn, turn);
  cairo_line_to(canvas.context(), 0.9, -0.05);
  cairo_line_to(canvas.context(), -0.9, -0.05);
  cairo_close_path(canvas.context());
  canvas.fill_linear({0, -0.7}, {0, -0.05}, {{0, lighter(base, 0.25)}, {1, base}});
  canvas.rounded_rectangle(-0.9, -0.05, 1.8, 0.83, 0.07);
  canvas.fill_linear({0, 0}, {0, 0.8}, {{0, darker(base, 0.08)}, {1, darker(base, 0.3)}});
  for (const double x : {-0.66, 0.46}) {
    canvas.rectangle(x, -0.69, 0.2, 1.47);
    canvas.fill(metal);
  }
  canvas.rectangle(-0.9, -0.14, 1.8, 0.16);
  canvas.fill(darker(metal, 0.18));
  canvas.rounded_rectangle(-0.2, -0.2, 0.4, 0.46, 0.08);
  canvas.fill(lighter(metal, 0.25));
  canvas.circle({0, -0.02}, 0.075);
  canvas.rectangle(-0.035, 0, 0.07, 0.15);
  canvas.fill(ink);
}

void bomb(Canvas& canvas, Rgb base) {
  cairo_move_to(canvas.context(), 0.36, -0.5);
  curve(canvas, {0.5, -0.9}, {0.72, -0.9}, {0.8, -0.66});
  canvas.stroke(hex(0xc9a46a), 0.1);
  canvas.polygon({{0.1, -0.44}, {0.3, -0.66}, {0.58, -0.4}, {0.38, -0.18}});
  canvas.fill(darker(mix(base, hex(0x777777), 0.5), 0.1));
  canvas.circle({-0.1, 0.22}, 0.7);
  canvas.fill_radial({-0.32, -0.02}, 1.0, {{0, lighter(base, 0.32)}, {0.55, base}, {1, darker(base, 0.35)}});
  shine(canvas, {-0.38, -0.06}, 0.15, 0.12);
  std::vector<Point> spark;
  for (int i = 0; i < 16; ++i) {
    const double r = i % 2 ? 0.1 : 0.25, angle = turn * i / 16;
    spark.push_back({0.8 + r * std::cos(angle), -0.66 + r * std::sin(angle)});
  }
  canvas.polygon(spark);
  canvas.fill(hex(0xffa02c));
  canvas.circle({0.8, -0.66}, 0.1);
  canvas.fill(hex(0xffef9a));
}

void apple(Canvas& canvas, Rgb base) {
  cairo_move_to(canvas.context(), 0.02, -0.4);
  curve(canvas, {0, -0.7}, {0.05, -0.8}, {0.16, -0.95});
  canvas.stroke(hex(0x6b4423), 0.12);
  cairo_move_to(canvas.context(), 0, -0.38);
  curve(canvas, {0.3, -0.66}, {0.86, -0.54}, {0.84, 0.06});
  curve(canvas, {0.82, 0.6}, {0.4, 1.0}, {0.22, 0.92});
  curve(canvas, {0.1, 0.86}, {-0.1, 0.86}, {-0.22, 0.92});
  curve(canvas, {-0.4, 1.0}, {-0.82, 0.6}, {-0.84, 0.06});
  curve(canvas, {-0.86, -0.54}, {-0.3, -0.66}, {0, -0.38});
  cairo_close_path(canvas.context());
  lit(canvas, base);
  cairo_move_to(canvas.context(), 0.1, -0.6);
  curve(canvas, {0.2, -0.95}, {0.5, -0.95}, {0.72, -0.84});
  curve(canvas, {0.62, -0.55}, {0.35, -0.5}, {0.1, -0.6});
  cairo_close_path(canvas.context());
  canvas.fill(hex(0x55a63a));
  shine(canvas, {-0.48, -0.12}, 0.12, 0.2);
}

void mushroom(Canvas& canvas, Rgb base) {
  cairo_move_to(canvas.context(), -0.3, 0.0);
  curve(canvas, {-0.25, 0.4}, {-0.42, 0.6}, {-0.4, 0.8});
  curve(canvas, {-0.3, 0.95}, {0.3, 0.95}, {0.4, 0.8});
  curve(canvas, {0.42, 0.6}, {0.25, 0.4}, {0.3, 0.0});
  cairo_close_path(canvas.context());
  canvas.fill_linear({-0.4, 0}, {0.4, 0}, {{0, hex(0xfdf3dc)}, {1, hex(0xdcc79c)}});
  cairo_move_to(canvas.context(), -0.92, 0.12);
  curve(canvas, {-0.92, -1.16}, {0.92, -1.16}, {0.92, 0.12});
  curve(canvas, {0.6, 0.34}, {-0.6, 0.34}, {-0.92, 0.12});
  cairo_close_path(canvas.context());
  lit(canvas, base);
  const Rgb spot = luminance(base) > 0.7 ? darker(base, 0.4) : hex(0xfdf8ec);
  for (const auto& [x, y, r] : {std::array{-0.5, -0.15, 0.17}, {0.08, -0.46, 0.2}, {0.55, -0.08, 0.15}}) {
    canvas.ellipse({x, y}, r, r * 0.85);
    canvas.fill(spot);
  }
}

void prism(Canvas& canvas, Rgb base, Point foot, double w, double height, double lean) {
  const Local local(canvas, foot, 1, lean);
  const auto facet = [&](const std::vector<Point>& corners, Rgb color) {
    canvas.polygon(corners);
    canvas.fill(color);
  };
  const double shoulder = -height + 0.8 * w;
  facet({{-w, 0}, {-w, shoulder}, {0, -height}, {w, shoulder}, {w, 0}}, base);
  facet({{-w, 0}, {-w, shoulder}, {0, -height}, {-0.25 * w, shoulder}, {-0.25 * w, 0}}, lighter(base, 0.45));
  facet({{0.4 * w, 0}, {0.4 * w, shoulder}, {0, -height}, {w, shoulder}, {w, 0}}, darker(base, 0.25));
}

void crystal(Canvas& canvas, Rgb base) {
  prism(canvas, darker(base, 0.08), {-0.26, 0.74}, 0.21, 1.1, -0.48);
  prism(canvas, darker(base, 0.08), {0.26, 0.74}, 0.21, 1.2, 0.42);
  prism(canvas, base, {0, 0.82}, 0.3, 1.76, 0);
}

void scroll(Canvas& canvas, Rgb base) {
  canvas.rectangle(-0.62, -0.7, 1.24, 1.4);
  canvas.fill_linear({0, -0.7}, {0, 0.7}, {{0, darker(base, 0.12)}, {0.25, lighter(base, 0.15)}, {1, base}});
  const Rgb text = luminance(base) > 0.4 ? darker(base, 0.55) : lighter(base, 0.6);
  for (int i = 0; i < 4; ++i) {
    const double y = -0.36 + 0.24 * i;
    cairo_move_to(canvas.context(), -0.42, y);
    cairo_line_to(canvas.context(), i == 3 ? 0.1 : 0.42, y);
  }
  canvas.stroke(text, 0.075);
  for (const double y : {-0.74, 0.74}) {
    canvas.rounded_rectangle(-0.95, y - 0.08, 1.9, 0.16, 0.08);
    canvas.fill(wood);
    canvas.rounded_rectangle(-0.76, y - 0.16, 1.52, 0.32, 0.14);
    canvas.fill_linear({0, y - 0.16}, {0, y + 0.16}, {{0, lighter(base, 0.3)}, {1, darker(base, 0.25)}});
  }
}

void crown(Canvas& canvas, Rgb base) {
  canvas.polygon(
      {{-0.74, 0.62}, {-0.92, -0.5}, {-0.42, 0.02}, {0, -0.78}, {0.42, 0.02}, {0.92, -0.5}, {0.74, 0.62}});
  lit(canvas, base);
  canvas.rounded_rectangle(-0.78, 0.44, 1.56, 0.26, 0.08);
  canvas.fill(darker(base, 0.2));
  for (const Point tip : {Point{-0.92, -0.52}, {0, -0.8}, {0.92, -0.52}}) {
    canvas.circle(tip, 0.11);
    canvas.fill(lighter(base, 0.35));
  }
  const bool reddish = base.r > 0.75 && base.g < 0.45;
  canvas.ellipse({0, 0.2}, 0.12, 0.15);
  canvas.fill(reddish ? hex(0x3f7fe0) : hex(0xd8343f));
  canvas.ellipse({-0.42, 0.28}, 0.08, 0.1);
  canvas.ellipse({0.42, 0.28}, 0.08, 0.1);
  canvas.fill(reddish ? hex(0xf7e08a) : hex(0x3f7fe0));
}

void heart(Canvas& canvas, Rgb base) {
  canvas.shape(Shape::heart, {0, 0}, 0.92);
  canvas.fill_radial({-0.35, -0.4}, 1.5, {{0, lighter(base, 0.22)}, {0.4, base}, {1, darker(base, 0.22)}});
  shine(canvas, {-0.45, -0.42}, 0.17, 0.13);
}

}  // namespace

void paint_item(Canvas& canvas, Item item, Rgb base) {
  static constexpr std::array painters{potion, sword, shield,   gem,     coin,   key,   chest,
                                       bomb,   apple, mushroom, crystal, scroll, crown, heart};
  painters[static_cast<size_t>(item)](canvas, base);
}

}  // namespace unclip
