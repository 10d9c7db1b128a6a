// The cairo canvas and the outlines of the eight shapes (see canvas.h).
#include "scenes/canvas.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace unclip {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double ring_hole = 0.55;     // of the outer radius
constexpr double star_waist = 0.45;    // inner by outer radius: plumper than a pentagram, clear at 64 px
constexpr double diamond_width = 0.8;  // of its height

std::vector<Point> star_corners(Point center, double half) {
  const double outer = half / std::sin(0.4 * pi);
  // The box, not the circle around the star, is centered.
  const double middle = center.y + outer * (1 - std::cos(0.2 * pi)) / 2;
  std::vector<Point> corners;
  for (int i = 0; i < 10; ++i) {
    const double angle = i * 0.2 * pi, radius = i % 2 == 0 ? outer : outer * star_waist;
    corners.push_back({center.x + radius * std::sin(angle), middle - radius * std::cos(angle)});
  }
  return corners;
}

std::vector<Point> cross_corners(Point c, double half) {
  const double arm = half / 3;
  return {{c.x - arm, c.y - half}, {c.x + arm, c.y - half}, {c.x + arm, c.y - arm},  {c.x + half, c.y - arm},
          {c.x + half, c.y + arm}, {c.x + arm, c.y + arm},  {c.x + arm, c.y + half}, {c.x - arm, c.y + half},
          {c.x - arm, c.y + arm},  {c.x - half, c.y + arm}, {c.x - half, c.y - arm}, {c.x - arm, c.y - arm}};
}

void heart_path(cairo_t* context, Point c, double half) {
  cairo_move_to(context, c.x, c.y + 0.9 * half);
  for (const double side : {-half, half}) {
    const auto curve = [&](double x1, double y1, double x2, double y2, double x3, double y3) {
      cairo_curve_to(context, c.x + side * x1, c.y + half * y1, c.x + side * x2, c.y + half * y2,
                     c.x + side * x3, c.y + half * y3);
    };
    if (side < 0) {  // up the left half …
      curve(0.35, 0.6, 1, 0.2, 1, -0.35);
      curve(1, -0.66, 0.78, -0.9, 0.5, -0.9);
      curve(0.24, -0.9, 0.06, -0.74, 0, -0.5);
    } else {  // … and down the right one
      curve(0.06, -0.74, 0.24, -0.9, 0.5, -0.9);
      curve(0.78, -0.9, 1, -0.66, 1, -0.35);
      curve(1, 0.2, 0.35, 0.6, 0, 0.9);
    }
  }
  cairo_close_path(context);
}

}  // namespace

Canvas::Canvas(int size)
    : size_(size),
      surface_(cairo_image_surface_create(CAIRO_FORMAT_RGB24, size, size)),
      context_(cairo_create(surface_.get())) {
  cairo_scale(context(), size, size);
  fill({1, 1, 1});
}

void Canvas::circle(Point c, double radius) {
  cairo_new_sub_path(context());
  cairo_arc(context(), c.x, c.y, radius, 0, 2 * pi);
  cairo_close_path(context());
}

void Canvas::ellipse(Point c, double radius_x, double radius_y) {
  cairo_save(context());
  cairo_translate(context(), c.x, c.y);
  cairo_scale(context(), radius_x, radius_y);
  circle({0, 0}, 1);
  cairo_restore(context());
}

void Canvas::rectangle(double x, double y, double width, double height) {
  cairo_rectangle(context(), x, y, width, height);
}

void Canvas::rounded_rectangle(double x, double y, double width, double height, double radius) {
  cairo_new_sub_path(context());
  cairo_arc(context(), x + width - radius, y + radius, radius, -pi / 2, 0);
  cairo_arc(context(), x + width - radius, y + height - radius, radius, 0, pi / 2);
  cairo_arc(context(), x + radius, y + height - radius, radius, pi / 2, pi);
  cairo_arc(context(), x + radius, y + radius, radius, pi, 1.5 * pi);
  cairo_close_path(context());
}

void Canvas::polygon(const std::vector<Point>& corners) {
  cairo_new_sub_path(context());
  for (const Point& p : corners) cairo_line_to(context(), p.x, p.y);
  cairo_close_path(context());
}

void Canvas::shape(Shape shape, Point c, double half) {
  switch (shape) {
    case Shape::circle:
      return circle(c, half);
    case Shape::square:
      return rectangle(c.x - half, c.y - half, 2 * half, 2 * half);
    case Shape::triangle: {
      const double rise = half * std::sqrt(3) / 2;
      return polygon({{c.x, c.y - rise}, {c.x + half, c.y + rise}, {c.x - half, c.y + rise}});
    }
    case Shape::star:
      return polygon(star_corners(c, half));
    case Shape::heart:
      return heart_path(context(), c, half);
    case Shape::diamond: {
      const double side = half * diamond_width;
      return polygon({{c.x, c.y - half}, {c.x + side, c.y}, {c.x, c.y + half}, {c.x - side, c.y}});
    }
    case Shape::ring:
      circle(c, half);
      cairo_new_sub_path(context());  // run backwards, so that the winding rule leaves the hole open
      cairo_arc_negative(context(), c.x, c.y, half * ring_hole, 2 * pi, 0);
      return cairo_close_path(context());
    case Shape::cross:
      return polygon(cross_corners(c, half));
  }
}

double fill_of(Shape shape) {
  switch (shape) {
    case Shape::circle:
      return pi / 4;
    case Shape::square:
      return 1;
    case Shape::triangle:
      return std::sqrt(3) / 4;
    case Shape::star:
      return 1.25 * star_waist * std::sin(0.2 * pi) / std::pow(std::sin(0.4 * pi), 2);
    case Shape::heart:
      return 0.6225;  // measured
    case Shape::diamond:
      return diamond_width / 2;
    case Shape::ring:
      return pi / 4 * (1 - ring_hole * ring_hole);
    case Shape::cross:
      return 5.0 / 9;
  }
  return 0;
}

Sides sides_of(Shape shape) {
  switch (shape) {
    case Shape::triangle:
      return {1, std::sqrt(3) / 2};
    case Shape::star:
      return {1, (1 + std::cos(0.2 * pi)) / (2 * std::sin(0.4 * pi))};
    case Shape::heart:
      return {1, 0.9};
    case Shape::diamond:
      return {diamond_width, 1};
    default:
      return {1, 1};
  }
}

void Canvas::fill(Rgb color, double alpha) {
  if (brush_) return brush_->fill(context(), color, alpha);
  cairo_set_source_rgba(context(), color.r, color.g, color.b, alpha);
  cairo_has_current_point(context()) ? cairo_fill(context()) : cairo_paint(context());
}

void Canvas::fill_with(cairo_pattern_t* pattern, const std::vector<Stop>& stops) {
  if (brush_) {
    cairo_pattern_destroy(pattern);
    Rgb mean;
    double alpha = 1, share = 1.0 / static_cast<double>(stops.size());
    for (const Stop& stop : stops) {
      mean = {mean.r + stop.color.r * share, mean.g + stop.color.g * share, mean.b + stop.color.b * share};
      alpha = std::min(alpha, stop.alpha);
    }
    return brush_->fill(context(), mean, alpha);
  }
  for (const Stop& stop : stops) {
    cairo_pattern_add_color_stop_rgba(pattern, stop.at, stop.color.r, stop.color.g, stop.color.b, stop.alpha);
  }
  cairo_set_source(context(), pattern);
  cairo_pattern_destroy(pattern);
  cairo_has_current_point(context()) ? cairo_fill(context()) : cairo_paint(context());
}

void Canvas::fill_linear(Point from, Point to, const std::vector<Stop>& stops) {
  fill_with(cairo_pattern_create_linear(from.x, from.y, to.x, to.y), stops);
}

void Canvas::fill_radial(Point c, double radius, const std::vector<Stop>& stops) {
  fill_with(cairo_pattern_create_radial(c.x, c.y, 0, c.x, c.y, radius), stops);
}

void Canvas::stroke(Rgb color, double width, double alpha) {
  if (brush_) return brush_->stroke(context(), color, width);
  cairo_set_source_rgba(context(), color.r, color.g, color.b, alpha);
  cairo_set_line_width(context(), width);
  cairo_set_line_cap(context(), CAIRO_LINE_CAP_ROUND);
  cairo_set_line_join(context(), CAIRO_LINE_JOIN_ROUND);
  cairo_stroke(context());
}

uint32_t* Canvas::pixels() {
  cairo_surface_flush(surface_.get());
  cairo_surface_mark_dirty(surface_.get());
  return reinterpret_cast<uint32_t*>(cairo_image_surface_get_data(surface_.get()));
}

std::vector<uint8_t> Canvas::rgb() {
  const size_t count = static_cast<size_t>(size_) * static_cast<size_t>(size_);
  const uint32_t* from = pixels();  // rows of 4-byte pixels have no padding
  std::vector<uint8_t> bytes(3 * count);
  for (size_t i = 0; i < count; ++i) {
    bytes[3 * i] = static_cast<uint8_t>(from[i] >> 16);
    bytes[3 * i + 1] = static_cast<uint8_t>(from[i] >> 8);
    bytes[3 * i + 2] = static_cast<uint8_t>(from[i]);
  }
  return bytes;
}

}  // namespace unclip
