// The family Shapes: a requirement, a place for each of its objects, a plain or faintly graded background.
#include <algorithm>
#include <cmath>

#include "scenes/requirement.h"

namespace unclip {
namespace {

constexpr double gap = 0.055;        // between boxes: three pixels and a half at 64
constexpr double edge = 0.04;        // free along the image's edge
constexpr double inner_gap = 0.045;  // between an inner object and the outline around it

struct Placed {
  Shape shape;
  Color color;
  Rgb paint;
  Point center;
  double half;
};

double longer_half(Shape shape, double area) { return std::sqrt(area / fill_of(shape)) / 2; }

Box box_of(const Placed& object) {
  const Sides sides = sides_of(object.shape);
  return {object.center, 2 * object.half * sides.width, 2 * object.half * sides.height};
}

bool apart(const Box& a, const Box& b) {
  return std::abs(a.center.x - b.center.x) > (a.width + b.width) / 2 + gap ||
         std::abs(a.center.y - b.center.y) > (a.height + b.height) / 2 + gap;
}

// Even steps of the logarithm, so that small ones are as frequent as large ones.
double random_area(Rng& rng, const Wanted& wanted, size_t total) {
  const auto between = [&](double lo, double hi) { return lo * std::pow(hi / lo, uniform(rng, 0, 1)); };
  if (wanted.size == Size::small) return between(smallest_area * 1.05, small_area * 0.95);
  if (wanted.size == Size::large) return between(large_area * 1.04, total == 1 ? 0.24 : 0.13);
  return between(0.02, total == 1 ? 0.22 : total == 2 ? 0.14 : 0.08);
}

std::optional<Placed> place(Rng& rng, const Wanted& wanted, double area, const std::vector<Placed>& others) {
  Placed object{wanted.shape, wanted.color, vary(rng, wanted.color), {}, longer_half(wanted.shape, area)};
  const double room = object.half + edge;
  if (room >= 0.5) return std::nullopt;
  for (int attempt = 0; attempt < 20; ++attempt) {
    object.center = {uniform(rng, room, 1 - room), uniform(rng, room, 1 - room)};
    const Box box = box_of(object);
    if (std::ranges::all_of(others, [&](const Placed& other) { return apart(box, box_of(other)); })) {
      return object;
    }
  }
  return std::nullopt;
}

// An upright square that fits into a shape: its middle below the shape's and its half side, by the shape's
// half.
struct Inside {
  double below, half;
};

Inside inside_of(Shape shape) {
  switch (shape) {
    case Shape::circle:
      return {0, 0.707};
    case Shape::square:
      return {0, 1};
    case Shape::triangle:
      return {0.402, 0.464};
    case Shape::star:
      return {0.05, 0.37};
    case Shape::heart:
      return {-0.12, 0.5};
    case Shape::diamond:
      return {0, 0.444};
    case Shape::ring:
      return {0, 0.389};
    case Shape::cross:
      return {0, 0.333};
  }
  return {};
}

std::vector<Placed> place_inside(Rng& rng, const Wanted& inner, const Wanted& outer) {
  const double area = outer.size == Size::any ? uniform(rng, 0.12, 0.5) : random_area(rng, outer, 1);
  const std::optional<Placed> around = place(rng, outer, area, {});
  if (!around) return {};
  const Inside within = inside_of(outer.shape);
  const double room = within.half * around->half - inner_gap;
  Wanted smaller = inner;
  if (smaller.size == Size::any) smaller.size = Size::small;
  double half = longer_half(inner.shape, random_area(rng, smaller, 1));
  if (inner.size == Size::any && half < room) half = uniform(rng, half, room);
  if (half > room) return {};
  const double slack = room - half;
  const Point center{around->center.x + uniform(rng, -slack, slack),
                     around->center.y + within.below * around->half + uniform(rng, -slack, slack)};
  return {{inner.shape, inner.color, vary(rng, inner.color), center, half}, *around};
}

// Neither above nor below, when it is left or right: so that no second relation is as true.
bool clearly_stands(const Box& a, Relation relation, const Box& b) {
  const double dx = std::abs(a.center.x - b.center.x), dy = std::abs(a.center.y - b.center.y);
  const bool sideways = relation == Relation::left_of || relation == Relation::right_of;
  return stands(a, relation, b) && (sideways ? dy < 0.7 * dx : dx < 0.7 * dy);
}

std::vector<Placed> place_all(Rng& rng, const Requirement& wanted) {
  if (wanted.relation == Relation::inside) return place_inside(rng, wanted.objects[0], wanted.objects[1]);
  std::vector<Placed> placed;
  const size_t total = wanted.objects.size() == 1 ? static_cast<size_t>(wanted.objects[0].count) : 2;
  for (const Wanted& group : wanted.objects) {
    const double area = random_area(rng, group, total);
    for (int i = 0; i < group.count; ++i) {
      const double own = group.size == Size::any ? area * uniform(rng, 0.85, 1.15) : area;
      const std::optional<Placed> object = place(rng, group, std::max(own, 1.05 * smallest_area), placed);
      if (!object) return {};
      placed.push_back(*object);
    }
  }
  if (wanted.relation && !clearly_stands(box_of(placed[0]), *wanted.relation, box_of(placed[1]))) return {};
  return placed;
}

Color any_color(Rng& rng, const std::vector<Color>& among) {
  return among.empty() ? static_cast<Color>(uniform_int(rng, 0, color_count - 1)) : pick(rng, among);
}

// One of `among` that no object has.
Color other_color(Rng& rng, const std::vector<Wanted>& objects, const std::vector<Color>& among = {}) {
  while (true) {
    const Color color = any_color(rng, among);
    if (std::ranges::none_of(objects, [color](const Wanted& o) { return o.color == color; })) return color;
  }
}

struct Background {
  Point from, to;
  Rgb start, end;
};

Background random_background(Rng& rng, Color color) {
  Background background{{}, {}, vary(rng, color), {}};
  background.end = background.start;
  if (chance(rng, 0.5)) return background;
  const double angle = uniform(rng, 0, 6.2832), x = std::cos(angle) / 2, y = std::sin(angle) / 2;
  background.from = {0.5 - x, 0.5 - y};
  background.to = {0.5 + x, 0.5 + y};
  const double faint = uniform(rng, 3, 9) / 255;
  for (double Rgb::*channel : {&Rgb::r, &Rgb::g, &Rgb::b}) {
    background.start.*channel += faint;
    background.end.*channel -= faint;
  }
  return background;
}

enum class Change { shape, color, swap, relation, count, size, background };

}  // namespace

bool stands(const Box& a, Relation relation, const Box& b) {
  const double dx = a.center.x - b.center.x, dy = a.center.y - b.center.y;
  if (relation == Relation::inside) {
    return std::abs(dx) < (b.width - a.width) / 2 && std::abs(dy) < (b.height - a.height) / 2;
  }
  const auto past = [](double offset, double sizes) {
    return std::copysign(std::max(std::abs(offset) - 0.1 * sizes, 0.0), offset);
  };
  const double distance = std::hypot(dx, dy);
  const double x = past(dx, a.width + b.width) / distance, y = past(dy, a.height + b.height) / distance;
  switch (relation) {
    case Relation::left_of:
      return x < -0.5;
    case Relation::right_of:
      return x > 0.5;
    case Relation::above:
      return y < -0.5;
    default:
      return y > 0.5;
  }
}

Requirement random_requirement(Rng& rng, const ShapesMix& mix) {
  const auto random_size = [&] {
    return static_cast<Size>(pick_weighted(rng, std::array<double, 3>{0.6, 0.2, 0.2}));
  };
  const auto random_object = [&] {
    return Wanted{any_color(rng, mix.colors), static_cast<Shape>(uniform_int(rng, 0, shape_count - 1)),
                  random_size()};
  };
  Requirement wanted;
  wanted.objects = {random_object()};
  const auto arrangement = static_cast<Arrangement>(pick_weighted(rng, mix.arrangements));
  if (arrangement == Arrangement::unlike) {
    Wanted other = random_object();
    while (other.shape == wanted.objects[0].shape || other.color == wanted.objects[0].color) {
      other = random_object();
    }
    wanted.objects.push_back(other);
    if (chance(rng, 0.65)) wanted.relation = static_cast<Relation>(uniform_int(rng, 0, relation_count - 1));
  } else if (arrangement == Arrangement::alike) {
    wanted.objects[0].count = uniform_int(rng, 2, 4);
  }
  if (chance(rng, 0.5)) wanted.background = other_color(rng, wanted.objects, mix.colors);
  return wanted;
}

bool holds_held_out(const Requirement& wanted) {
  return std::ranges::any_of(wanted.objects, [](const Wanted& o) { return held_out(o.color, o.shape); });
}

Requirement falsified(Rng& rng, const Requirement& wanted, bool colors, bool background) {
  const bool pair = wanted.objects.size() == 2;
  const bool sized = std::ranges::any_of(wanted.objects, [](const Wanted& o) { return o.size != Size::any; });
  std::vector<Change> possible{Change::shape};
  if (colors) possible.push_back(Change::color);
  if (colors && pair) possible.push_back(Change::swap);
  if (wanted.relation) possible.push_back(Change::relation);
  if (!pair) possible.push_back(Change::count);
  if (sized) possible.push_back(Change::size);
  if (background && wanted.background) possible.push_back(Change::background);
  // A caption without colors names no pair; and one change cannot mend a drawing that another style shows in
  // other colors.
  const bool may_hold = !colors || holds_held_out(wanted);
  const auto another = [&rng](auto value, int count) {
    const int step = uniform_int(rng, 1, count - 1);
    return static_cast<decltype(value)>((static_cast<int>(value) + step) % count);
  };
  while (true) {
    Requirement other = wanted;
    Wanted& object = other.objects[rng() % other.objects.size()];
    switch (pick(rng, possible)) {
      case Change::shape:
        object.shape = another(object.shape, shape_count);
        break;
      case Change::color:
        object.color = another(object.color, color_count);
        break;
      case Change::swap:
        std::swap(other.objects[0].color, other.objects[1].color);
        break;
      case Change::relation:
        other.relation = another(*other.relation, relation_count);
        break;
      case Change::count:
        object.count = another(object.count - 1, 4) + 1;
        break;
      case Change::size:
        if (object.size == Size::any) continue;
        object.size = object.size == Size::small ? Size::large : Size::small;
        break;
      case Change::background:
        other.background = other_color(rng, other.objects);
        if (other.background == wanted.background) continue;
        break;
    }
    const bool hidden =
        std::ranges::any_of(other.objects, [&](const Wanted& o) { return o.color == other.background; });
    if (!hidden && (may_hold || !holds_held_out(other))) return other;
  }
}

std::optional<Drawing> draw_required(Rng& rng, const Requirement& wanted) {
  std::vector<Placed> placed;
  for (int attempt = 0; attempt < 60 && placed.empty(); ++attempt) placed = place_all(rng, wanted);
  if (placed.empty()) return std::nullopt;
  if (wanted.relation == Relation::inside) std::swap(placed[0], placed[1]);  // the outer one first
  const Color color = wanted.background ? *wanted.background : other_color(rng, wanted.objects);
  Drawing drawing;
  for (const Placed& object : placed) {
    const double area = 4 * object.half * object.half * fill_of(object.shape);
    drawing.objects.push_back({object.shape, object.color, object.center, area});
  }
  drawing.paint = [placed, background = random_background(rng, color)](Canvas& canvas) {
    canvas.fill_linear(background.from, background.to, {{0, background.start}, {1, background.end}});
    for (const Placed& object : placed) {
      canvas.shape(object.shape, object.center, object.half);
      canvas.fill(object.paint);
    }
  };
  return drawing;
}

Drawing make_shapes(Rng& rng, Style style, const ShapesMix& mix) {
  while (true) {
    const Requirement wanted = random_requirement(rng, mix);
    if (std::optional<Drawing> drawing = draw_required(rng, wanted)) {
      const bool colors = has_colors(style) && !chance(rng, 0.08);
      const bool background = colors && !is_outlined(style);
      drawing->caption = describe(rng, wanted, colors, background);
      drawing->hard_negative = [=](Rng& other) {
        return describe(other, falsified(other, wanted, colors, background), colors, background);
      };
      return *drawing;
    }
  }
}

}  // namespace unclip
