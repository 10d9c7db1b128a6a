// Small color sums for the painters of images (landscapes, items, characters, styles).
#pragma once

#include "scenes/canvas.h"

namespace unclip {

constexpr double turn = 6.283185307179586;

// 0xRRGGBB
constexpr Rgb hex(int code) {
  return {(code >> 16) / 255.0, (code >> 8 & 255) / 255.0, (code & 255) / 255.0};
}

constexpr Rgb mix(Rgb a, Rgb b, double t) {
  return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}
constexpr Rgb darker(Rgb c, double t) { return mix(c, {0, 0, 0}, t); }
constexpr Rgb lighter(Rgb c, double t) { return mix(c, {1, 1, 1}, t); }
constexpr Rgb times(Rgb a, Rgb b) { return {a.r * b.r, a.g * b.g, a.b * b.b}; }
constexpr double luminance(Rgb c) { return 0.3 * c.r + 0.59 * c.g + 0.11 * c.b; }

constexpr Rgb white{1, 1, 1}, ink{0.13, 0.12, 0.15};

// On to c, by way of the control points a and b.
inline void curve(Canvas& canvas, Point a, Point b, Point c) {
  cairo_curve_to(canvas.context(), a.x, a.y, b.x, b.y, c.x, c.y);
}

// Local coordinates for the time of its life: `at` becomes (0, 0) and `unit` the new unit, turned clockwise.
class Local {
 public:
  Local(Canvas& canvas, Point at, double unit, double radians = 0) : context_(canvas.context()) {
    cairo_save(context_);
    cairo_translate(context_, at.x, at.y);
    cairo_rotate(context_, radians);
    cairo_scale(context_, unit, unit);
  }
  ~Local() { cairo_restore(context_); }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;

 private:
  cairo_t* context_;
};

}  // namespace unclip
