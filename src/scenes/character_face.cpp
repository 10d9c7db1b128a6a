// Characters: faces that tell a mood at 64 pixels (big eyes, brows, mouth), and what is worn.
#include <algorithm>

#include "character.h"

namespace unclip {
namespace {

// Lines of the face: dark on light, light on dark.
Rgb line_on(Rgb skin) { return luminance(skin) < 0.33 ? hex(0xf6efe6) : ink; }

// A bow from point to point, pulled towards `bend`.
void bow(Canvas& canvas, Point from, Point bend, Point to) {
  const Point pull{bend.x, bend.y + 0.5 * (bend.y - (from.y + to.y) / 2)};
  const auto part = [&](Point end) {
    return Point{end.x + (pull.x - end.x) / 1.5, end.y + (pull.y - end.y) / 1.5};
  };
  const Point a = part(from), b = part(to);
  cairo_move_to(canvas.context(), from.x, from.y);
  cairo_curve_to(canvas.context(), a.x, a.y, b.x, b.y, to.x, to.y);
}

// An eye that is shut: an arc, up for joy (rise > 0), down for sleep.
void shut_eye(Canvas& canvas, const Body& body, Point at, double rise) {
  const double w = body.eye;
  bow(canvas, {at.x - w, at.y + 0.5 * rise * w}, {at.x, at.y - 1.1 * rise * w},
      {at.x + w, at.y + 0.5 * rise * w});
  canvas.stroke(line_on(body.skin), 0.085);
}

void open_eye(Canvas& canvas, const Body& body, Point at, Mood mood, double side) {
  const bool surprised = mood == Mood::surprised;
  const double w = body.eye * (surprised ? 1.25 : 1), h = w * 1.12;
  canvas.ellipse(at, w + 0.025, h + 0.025);
  canvas.fill(mix(ink, body.skin, 0.35));
  canvas.ellipse(at, w, h);
  canvas.fill(white);
  const double pupil = w * (surprised ? 0.42 : 0.62), down = mood == Mood::sad ? 0.3 * w : 0;
  canvas.ellipse({at.x - side * 0.12 * w, at.y + down}, pupil, pupil * 1.1);
  canvas.fill(ink);
  canvas.ellipse({at.x - side * 0.12 * w - 0.3 * pupil, at.y + down - 0.4 * pupil}, pupil * 0.34,
                 pupil * 0.34);
  canvas.fill(white, 0.95);
  if (mood != Mood::angry && mood != Mood::sad) return;
  // The lid, and the brow as its edge: down towards the middle in anger, down outwards in sorrow.
  const double tilt = mood == Mood::angry ? 1 : -1, lift = mood == Mood::angry ? 0.25 : 0.62;
  const Point inner{at.x - side * 1.25 * w, at.y - lift * h + tilt * 0.42 * h};
  const Point outer{at.x + side * 1.25 * w, at.y - lift * h - tilt * 0.6 * h};
  cairo_save(canvas.context());
  canvas.ellipse(at, w + 0.03, h + 0.03);
  cairo_clip(canvas.context());
  canvas.polygon({inner, outer, {outer.x, at.y - 1.4 * h}, {inner.x, at.y - 1.4 * h}});
  canvas.fill(body.skin);
  cairo_restore(canvas.context());
  cairo_move_to(canvas.context(), inner.x, inner.y);
  cairo_line_to(canvas.context(), outer.x, outer.y);
  canvas.stroke(line_on(body.skin), 0.1);
}

void paint_eyes(Canvas& canvas, const Body& body, Mood mood) {
  for (const double side : {-1.0, 1.0}) {
    const Point at{body.eyes.x + side * body.eye_gap, body.eyes.y};
    if (mood == Mood::happy || mood == Mood::sleepy) {
      shut_eye(canvas, body, at, mood == Mood::happy ? 1 : -1);
    } else {
      open_eye(canvas, body, at, mood, side);
    }
    if (mood != Mood::surprised) continue;
    const double y = at.y - body.eye * 1.75;
    bow(canvas, {at.x - 0.8 * body.eye, y + 0.04}, {at.x, y - 0.1}, {at.x + 0.8 * body.eye, y + 0.04});
    canvas.stroke(line_on(body.skin), 0.06);
  }
}

void paint_beak(Canvas& canvas, const Body& body, Mood mood) {
  const Point m = body.mouth;
  const double w = 0.17, open = mood == Mood::happy ? 0.2 : mood == Mood::surprised ? 0.28 : 0;
  if (open > 0) {
    canvas.ellipse({m.x, m.y + 0.09}, 0.8 * w, open);
    canvas.fill(hex(0x8e2f2c));
  }
  cairo_t* context = canvas.context();
  cairo_move_to(context, m.x - w, m.y - 0.04);
  cairo_curve_to(context, m.x - 0.5 * w, m.y - 0.16, m.x + 0.5 * w, m.y - 0.16, m.x + w, m.y - 0.04);
  cairo_curve_to(context, m.x + 0.6 * w, m.y + 0.1, m.x + 0.2 * w, m.y + 0.18, m.x, m.y + 0.2);
  cairo_curve_to(context, m.x - 0.2 * w, m.y + 0.18, m.x - 0.6 * w, m.y + 0.1, m.x - w, m.y - 0.04);
  cairo_close_path(context);
  canvas.fill_linear({0, m.y - 0.12}, {0, m.y + 0.2}, {{0, hex(0xffd23c)}, {1, hex(0xe59a14)}});
}

void paint_mouth(Canvas& canvas, const Body& body, Mood mood) {
  if (body.beak) return paint_beak(canvas, body, mood);
  const Point m = body.mouth;
  const double w = body.mouth_half;
  const Rgb line = line_on(body.skin);
  cairo_t* context = canvas.context();
  switch (mood) {
    case Mood::happy:
      cairo_move_to(context, m.x - 1.2 * w, m.y - 0.05);
      cairo_curve_to(context, m.x - 0.9 * w, m.y + 1.35 * w, m.x + 0.9 * w, m.y + 1.35 * w, m.x + 1.2 * w,
                     m.y - 0.05);
      cairo_close_path(context);
      canvas.fill(hex(0x7d1f2b));
      canvas.ellipse({m.x, m.y + 0.68 * w}, 0.5 * w, 0.24 * w);
      return canvas.fill(hex(0xf0808a));
    case Mood::surprised:
      canvas.ellipse({m.x, m.y + 0.05}, 0.62 * w, 0.85 * w);
      return canvas.fill(luminance(body.skin) < 0.33 ? hex(0xd9606a) : hex(0x64202a));
    case Mood::sad:
    case Mood::angry:
      bow(canvas, {m.x - w, m.y + 0.12}, {m.x, m.y - 0.14}, {m.x + w, m.y + 0.12});
      return canvas.stroke(line, 0.085);
    case Mood::sleepy:
      canvas.ellipse({m.x, m.y + 0.04}, 0.3 * w, 0.26 * w);
      return canvas.fill(line);
    default:
      bow(canvas, {m.x - w, m.y - 0.03}, {m.x, m.y + 0.17}, {m.x + w, m.y - 0.03});
      canvas.stroke(line, 0.07);
  }
}

// A tear under the outer eye.
void paint_tear(Canvas& canvas, const Body& body) {
  const Point at{body.eyes.x - body.eye_gap - 0.3 * body.eye, body.eyes.y + 1.3 * body.eye};
  cairo_t* context = canvas.context();
  cairo_move_to(context, at.x, at.y - 0.06);
  cairo_curve_to(context, at.x + 0.04, at.y + 0.05, at.x + 0.1, at.y + 0.12, at.x + 0.09, at.y + 0.2);
  cairo_curve_to(context, at.x + 0.08, at.y + 0.32, at.x - 0.08, at.y + 0.32, at.x - 0.09, at.y + 0.2);
  cairo_curve_to(context, at.x - 0.1, at.y + 0.12, at.x - 0.04, at.y + 0.05, at.x, at.y - 0.06);
  cairo_close_path(context);
  canvas.fill(hex(0x59b7f5));
  canvas.ellipse({at.x - 0.03, at.y + 0.17}, 0.03, 0.05);
  canvas.fill(white, 0.8);
}

// "z z" rising from the head, outlined so that it shows on any background.
void paint_snore(Canvas& canvas, const Body& body) {
  cairo_t* context = canvas.context();
  for (const auto& [dx, dy, s] : {std::array{0.5, -0.12, 0.11}, {0.72, -0.36, 0.15}}) {
    const Point at{body.eyes.x * 0.4 + dx, std::max(body.eyes.y - 0.36, -0.66) + dy};
    const auto letter = [&, s = s] {  // clang 14 captures no structured binding as it is
      cairo_move_to(context, at.x - s, at.y - s);
      cairo_line_to(context, at.x + s, at.y - s);
      cairo_line_to(context, at.x - s, at.y + s);
      cairo_line_to(context, at.x + s, at.y + s);
    };
    letter();
    canvas.stroke(hex(0x2b3a67), 0.15);
    letter();
    canvas.stroke(white, 0.07);
  }
}

void paint_hat(Canvas& canvas, const Body& body, Rgb base) {
  const Local local(canvas, body.head, body.head_half);
  canvas.polygon({{-0.66, 0.05}, {-0.72, -0.92}, {0.72, -0.92}, {0.66, 0.05}});
  canvas.fill_linear({-0.7, 0}, {0.7, 0}, {{0, lighter(base, 0.2)}, {1, darker(base, 0.2)}});
  canvas.polygon({{-0.67, -0.1}, {-0.69, -0.36}, {0.69, -0.36}, {0.67, -0.1}});
  canvas.fill(luminance(base) < 0.2 ? hex(0xd83a3a) : hex(0xf7e3a1));
  canvas.rounded_rectangle(-1.1, -0.1, 2.2, 0.24, 0.12);
  canvas.fill(darker(base, 0.12));
}

void paint_glasses(Canvas& canvas, const Body& body, Rgb base) {
  const double r = std::max(body.eye * 1.5, 0.2);
  for (const double side : {-1.0, 1.0}) {
    const Point at{body.eyes.x + side * std::max(body.eye_gap, r * 1.08), body.eyes.y};
    canvas.circle(at, r);
    canvas.fill(hex(0xdff1ff), 0.28);
    canvas.circle(at, r);
    canvas.stroke(base, 0.085);
  }
  const double inner = std::max(body.eye_gap, r * 1.08) - r;
  cairo_move_to(canvas.context(), body.eyes.x - inner, body.eyes.y);
  cairo_line_to(canvas.context(), body.eyes.x + inner, body.eyes.y);
  canvas.stroke(base, 0.085);
}

void paint_scarf(Canvas& canvas, const Body& body, Rgb base) {
  const Point n = body.neck;
  const double w = body.neck_half, end = std::min(n.y + 0.5, 0.97);
  canvas.polygon({{n.x - 0.62 * w, n.y},
                  {n.x - 0.62 * w + 0.24, n.y},
                  {n.x - 0.62 * w + 0.2, end},
                  {n.x - 0.62 * w - 0.08, end}});
  canvas.fill(darker(base, 0.2));
  cairo_t* context = canvas.context();
  cairo_move_to(context, n.x - w, n.y - 0.1);
  cairo_curve_to(context, n.x - 0.5 * w, n.y + 0.04, n.x + 0.5 * w, n.y + 0.04, n.x + w, n.y - 0.1);
  cairo_line_to(context, n.x + w, n.y + 0.08);
  cairo_curve_to(context, n.x + 0.5 * w, n.y + 0.26, n.x - 0.5 * w, n.y + 0.26, n.x - w, n.y + 0.08);
  cairo_close_path(context);
  canvas.fill(base);
  for (const double x : {-0.5, 0.0, 0.5}) {
    cairo_move_to(context, n.x + x * w - 0.03, n.y + 0.02);
    cairo_line_to(context, n.x + x * w + 0.03, n.y + 0.15);
  }
  canvas.stroke(lighter(base, 0.55), 0.07);
}

}  // namespace

void paint_face(Canvas& canvas, const Body& body, Mood mood) {
  paint_mouth(canvas, body, mood);
  paint_eyes(canvas, body, mood);
  if (mood == Mood::sad) paint_tear(canvas, body);
  if (mood == Mood::sleepy) paint_snore(canvas, body);
}

void paint_wear(Canvas& canvas, const Body& body, Wear wear, Rgb base) {
  switch (wear) {
    case Wear::hat:
      return paint_hat(canvas, body, base);
    case Wear::crown: {
      const Local local(canvas, {body.head.x, body.head.y - 0.4 * body.head_half}, 0.85 * body.head_half);
      return paint_item(canvas, Item::crown, base);
    }
    case Wear::glasses:
      return paint_glasses(canvas, body, base);
    case Wear::scarf:
      return paint_scarf(canvas, body, base);
    default:
      return;
  }
}

}  // namespace unclip
