// Styles of lines: pencil sketch, neon, blueprint. A brush draws each filled path as its outline and covers
// what lies behind it, so nearer things hide farther ones as in the painted image.
#include <algorithm>
#include <cmath>

#include "style.h"

namespace unclip {
namespace {

// Lengths in parts of the image's side.
class LineBrush : public Brush {
 public:
  LineBrush(int size, double width, Rgb paper) : size_(size), width_(width), paper_(paper) {}

  void fill(cairo_t* context, Rgb color, double alpha) override {
    if (!cairo_has_current_point(context)) {
      put(context, paper_);
      return cairo_paint(context);
    }
    if (alpha < 0.9) return cairo_new_path(context);  // shades and shines are for paint
    cairo_save(context);
    cairo_identity_matrix(context);
    double left, top, right, bottom;
    cairo_path_extents(context, &left, &top, &right, &bottom);
    const double extent = std::max(right - left, bottom - top) / size_;
    // Dots and pupils are filled, or nothing of them would be left.
    const bool solid = extent < 0.045 || (extent < 0.13 && luminance(color) < 0.2);
    put(context, solid ? line(color) : body(color));
    cairo_fill_preserve(context);
    if (!solid) {
      put(context, line(color));
      draw(context, width_ * size_);
    }
    cairo_new_path(context);
    cairo_restore(context);
  }

  void stroke(cairo_t* context, Rgb color, double width) override {
    double x = width, y = 0;
    cairo_user_to_device_distance(context, &x, &y);
    const double thick = std::hypot(x, y), thin = width_ * size_;
    cairo_save(context);
    cairo_identity_matrix(context);
    put(context, line(color));
    if (thick > 3 * thin) {  // as broad as a thing: outlined too
      draw(context, thick + thin);
      put(context, body(color));
      draw(context, thick - thin);
    } else {
      draw(context, std::clamp(thick, 0.6 * thin, 1.3 * thin));
    }
    cairo_new_path(context);
    cairo_restore(context);
  }

 protected:
  virtual Rgb line(Rgb color) const = 0;
  virtual Rgb body(Rgb) const { return paper_; }

 private:
  static void put(cairo_t* context, Rgb c) { cairo_set_source_rgb(context, c.r, c.g, c.b); }
  static void draw(cairo_t* context, double width) {
    cairo_set_line_width(context, width);
    cairo_set_line_cap(context, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke_preserve(context);
  }

  int size_;
  double width_;
  Rgb paper_;
};

constexpr Rgb pencil_paper = hex(0xf5f2ea), graphite = hex(0x5c5c62), night = hex(0x0a0918),
              blue_paper = hex(0x1d4b9c);

class Pencil : public LineBrush {
 public:
  explicit Pencil(int size) : LineBrush(size, 0.015, pencil_paper) {}

 protected:
  Rgb line(Rgb color) const override {
    return luminance(color) > 0.9 ? mix(graphite, pencil_paper, 0.1) : graphite;
  }
  Rgb body(Rgb color) const override { return mix(pencil_paper, graphite, 0.46 * (1 - luminance(color))); }
};

class Neon : public LineBrush {
 public:
  explicit Neon(int size) : LineBrush(size, 0.016, night) {}

 protected:
  Rgb line(Rgb c) const override {  // its hue at full strength
    const double most = std::max({c.r, c.g, c.b}), least = std::min({c.r, c.g, c.b});
    if (most - least < 0.12) return hex(0xe9eeff);
    return {c.r / most, c.g / most, c.b / most};
  }
};

class Chalk : public LineBrush {
 public:
  explicit Chalk(int size) : LineBrush(size, 0.014, blue_paper) {}

 protected:
  Rgb line(Rgb) const override { return hex(0xf2f7ff); }
};

void paint_with(const Drawing& drawing, Canvas& canvas, LineBrush& brush) {
  canvas.use(&brush);
  canvas.fill({});
  drawing.paint(canvas);
  canvas.use(nullptr);
}

}  // namespace

void paint_pencil(const Drawing& drawing, uint64_t seed, Canvas& canvas) {
  Pencil brush(canvas.size());
  paint_with(drawing, canvas, brush);
  const double paper = luminance(pencil_paper), darkest = luminance(graphite);
  std::vector<Rgb> image = read(canvas);
  for (int y = 0; y < canvas.size(); ++y) {
    for (int x = 0; x < canvas.size(); ++x) {
      Rgb& pixel = image[static_cast<size_t>(y * canvas.size() + x)];
      const double u = (x + 0.5) / canvas.size(), v = (y + 0.5) / canvas.size();
      const double tone = (paper - luminance(pixel)) / (paper - darkest);  // 0 paper … 1 line
      const double grain = noise(seed, u, v, 70) - 0.5, wobble = noise(seed + 1, u, v, 5);
      const double wave = 0.5 + 0.5 * std::sin(turn * (19 * (u + v) + 0.8 * wobble));
      const double hatched = tone * (0.3 + 1.25 * wave);
      const double flat = std::clamp((0.56 - tone) / 0.1, 0.0, 1.0);  // tones are hatched, lines are not
      const double dark = std::clamp(std::lerp(tone, hatched, flat) * (1 + 0.5 * grain), 0.0, 1.0);
      pixel = mix(pencil_paper, graphite, dark);
      pixel = darker(pixel, 0.03 * (grain + 0.5));
    }
  }
  write(canvas, image);
}

void paint_neon(const Drawing& drawing, Canvas& canvas) {
  Neon brush(canvas.size());
  paint_with(drawing, canvas, brush);
  std::vector<Rgb> image = read(canvas);
  const std::vector<Rgb> near = blurred(image, canvas.size(), 0.013),
                         far = blurred(image, canvas.size(), 0.04);
  for (size_t i = 0; i < image.size(); ++i) {
    for (double Rgb::*c : {&Rgb::r, &Rgb::g, &Rgb::b}) {
      const double glow = 0.55 * (near[i].*c - night.*c) + 0.65 * (far[i].*c - night.*c);
      image[i].*c += glow * (1 - image[i].*c);
    }
  }
  write(canvas, image);
}

void paint_blueprint(const Drawing& drawing, Canvas& canvas) {
  Chalk brush(canvas.size());
  paint_with(drawing, canvas, brush);
  for (int i = 1; i < 12; ++i) {
    cairo_move_to(canvas.context(), i / 12.0, 0);
    cairo_line_to(canvas.context(), i / 12.0, 1);
    cairo_move_to(canvas.context(), 0, i / 12.0);
    cairo_line_to(canvas.context(), 1, i / 12.0);
  }
  canvas.stroke(hex(0x9cc4ff), 0.006, 0.3);
}

}  // namespace unclip
