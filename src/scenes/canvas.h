// A square image to draw on: a thin wrapper of a cairo image surface. Coordinates run from (0, 0), top
// left, to (1, 1), bottom right, whatever the size in pixels; everything is anti-aliased.
#pragma once

#include <cairo.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <vector>

#include "scenes/vocabulary.h"

namespace unclip {

struct Point {
  double x = 0, y = 0;
};

// A color at place `at` (0 … 1) of a gradient, with its opacity.
struct Stop {
  double at = 0;
  Rgb color;
  double alpha = 1;
};

// Puts paths down in another way than plain paint; line styles bring their own. Both use up the path.
class Brush {
 public:
  virtual ~Brush() = default;
  // With no path: the whole canvas. A gradient comes as its mean color and its least opacity.
  virtual void fill(cairo_t* context, Rgb color, double alpha) = 0;
  virtual void stroke(cairo_t* context, Rgb color, double width) = 0;
};

class Canvas {
 public:
  // White, `size` × `size` pixels.
  explicit Canvas(int size);

  int size() const { return size_; }
  // For what the helpers below do not cover: cairo's context in unit coordinates.
  cairo_t* context() { return context_.get(); }

  // From now on; null: plain paint again. The brush must outlive its use.
  void use(Brush* brush) { brush_ = brush; }

  // Paths: each adds to the current path.
  void circle(Point center, double radius);
  void ellipse(Point center, double radius_x, double radius_y);
  void rectangle(double x, double y, double width, double height);
  void rounded_rectangle(double x, double y, double width, double height, double radius);
  void polygon(const std::vector<Point>& corners);
  // The outline of an upright shape around `center`; `half` is half of its longer side.
  void shape(Shape shape, Point center, double half);

  // Fill the current path (or, with no path, the whole canvas) and forget it.
  void fill(Rgb color, double alpha = 1);
  void fill_linear(Point from, Point to, const std::vector<Stop>& stops);
  void fill_radial(Point center, double radius, const std::vector<Stop>& stops);
  // Draw along the current path and forget it. Round ends and joins.
  void stroke(Rgb color, double width, double alpha = 1);

  // The pixels, rows top-down, 0x00RRGGBB each, to read and change; later drawing goes on top.
  uint32_t* pixels();
  // Bytes of red, green, blue: [size * size * 3], rows top-down.
  std::vector<uint8_t> rgb();

 private:
  void fill_with(cairo_pattern_t* pattern, const std::vector<Stop>& stops);

  struct Destroy {
    void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
    void operator()(cairo_t* context) const { cairo_destroy(context); }
  };
  int size_;
  Brush* brush_ = nullptr;
  std::unique_ptr<cairo_surface_t, Destroy> surface_;
  std::unique_ptr<cairo_t, Destroy> context_;
};

// The part of its bounding square (side 2 · half) that a shape fills, and its box's sides by the square's.
double fill_of(Shape shape);
struct Sides {
  double width = 1, height = 1;
};
Sides sides_of(Shape shape);

}  // namespace unclip
