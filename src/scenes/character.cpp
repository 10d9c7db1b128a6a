// The family Characters: who it is, its color and mood, what it wears and holds, and the caption.
#include "character.h"

#include <algorithm>
#include <cmath>

#include "words.h"

namespace unclip {
namespace {

constexpr std::array<std::string_view, kind_count> kind_names{
    "robot", "slime", "ghost", "cat", "dog", "bird", "fish", "alien", "knight", "wizard", "monster", "owl"};
constexpr std::array<std::string_view, mood_count> mood_names{"",      "happy",  "sad",
                                                              "angry", "sleepy", "surprised"};

// A hat on a wizard's hat, a scarf under a beard or crossing a fish would not read.
bool fits(Kind kind, Wear wear) {
  if (kind == Kind::wizard) return wear == Wear::nothing || wear == Wear::glasses;
  if (kind == Kind::knight) return wear != Wear::hat;
  return kind != Kind::fish || wear != Wear::scarf;
}

bool can_hold(Kind kind) { return kind != Kind::fish && kind != Kind::bird && kind != Kind::owl; }

double color_distance(Rgb a, Rgb b) { return std::hypot(a.r - b.r, a.g - b.g, a.b - b.b); }

// Unlike the body; glasses are never black, which would be rings that are held out.
void choose_wear(Rng& rng, Character& c) {
  do {
    c.wear = static_cast<Wear>(pick_weighted(rng, std::array{0.48, 0.13, 0.13, 0.13, 0.13}));
  } while (!fits(c.kind, c.wear));
  std::vector<Rgb> colors{center(Color::red), center(Color::blue), center(Color::green),
                          center(Color::purple)};
  if (c.wear == Wear::hat) colors.push_back(hex(0x2b2a33));
  do {
    c.wear_base = pick(rng, colors);
  } while (color_distance(c.wear_base, c.base) < 0.4);
  if (c.wear == Wear::crown) c.wear_base = hex(0xf2b632);
}

void list_objects(const Character& c, Point at, Drawing& drawing) {
  const auto add = [&](Shape shape, Color color, double area) {
    drawing.objects.push_back({shape, color, at, area});
  };
  if (c.kind == Kind::bird) add(Shape::circle, c.color, 0.2);
  if (c.wear != Wear::glasses) return;
  for (const Color color : {Color::red, Color::blue, Color::green, Color::purple}) {
    if (color_distance(center(color), c.wear_base) < 0.01) add(Shape::ring, color, 0.01);
  }
}

std::string wear_words(Rng& rng, Wear wear, bool colors) {
  const std::string joint = pick(rng, {"with ", "with ", "wearing "});
  switch (wear) {
    case Wear::hat:
      return joint + pick(rng, {"a hat", "a hat", "a hat", "a top hat"});
    case Wear::crown:
      return joint + (colors && chance(rng, 0.3) ? "a golden crown" : "a crown");
    case Wear::glasses:
      return joint + pick(rng, {"glasses", "glasses", "eyeglasses"});
    default:
      return joint + pick(rng, {"a scarf", "a scarf", "a warm scarf"});
  }
}

std::string mood_word(Rng& rng, Mood mood) {
  switch (mood) {
    case Mood::happy:
      return pick(rng, {"happy", "happy", "happy", "smiling", "cheerful"});
    case Mood::sad:
      return pick(rng, {"sad", "sad", "sad", "crying", "unhappy"});
    case Mood::angry:
      return pick(rng, {"angry", "angry", "angry", "furious", "mad"});
    case Mood::sleepy:
      return pick(rng, {"sleepy", "sleepy", "sleepy", "sleeping", "tired"});
    default:
      return pick(rng, {"surprised", "surprised", "surprised", "astonished", "shocked"});
  }
}

std::string framed(Rng& rng, const std::string& words) {
  switch (uniform_int(rng, 0, 9)) {
    case 0:
      return pick(rng, {"a picture of ", "an image of ", "a portrait of "}) + words;
    case 1:
      return pick(rng, {"a drawing of ", "an illustration of ", "a cartoon of "}) + words;
    case 2:
      return words + pick(rng, {", game character", ", character design", ", cartoon character"});
    case 3:
      return pick(rng, {"game character: ", "character: "}) + words;
    default:
      return words;
  }
}

}  // namespace

std::string_view name(Kind kind) { return kind_names[static_cast<size_t>(kind)]; }
std::string_view name(Mood mood) { return mood_names[static_cast<size_t>(mood)]; }

std::string describe(Rng& rng, const Character& c, bool colors) {
  std::string words;
  const bool mood_last = c.mood != Mood::none && chance(rng, 0.12);
  if (chance(rng, 0.12)) words += pick(rng, {"cute ", "little ", "friendly-looking ", "funny "});
  if (c.mood != Mood::none && !mood_last) words += mood_word(rng, c.mood) + " ";
  if (c.mood == Mood::angry && words.starts_with("friendly")) words = mood_word(rng, c.mood) + " ";
  if (colors && chance(rng, 0.92)) words += std::string(name(c.color)) + " ";
  words += name(c.kind);
  words = with_article(words);
  if (mood_last) words += pick(rng, {" that is ", " who is ", " looking "}) + std::string(name(c.mood));
  const std::string joint = mood_last ? ", " : " ";
  if (c.wear != Wear::nothing) words += joint + wear_words(rng, c.wear, colors);
  if (c.item) {
    const std::string what = with_article(std::string(name(*c.item)));
    words += (c.wear != Wear::nothing && chance(rng, 0.5) ? " and"
              : c.wear == Wear::nothing                   ? joint.substr(0, joint.size() - 1)
                                                          : "") +
             pick(rng, {" holding ", " holding ", " carrying "}) + what;
  }
  return framed(rng, words);
}

Drawing make_character(Rng& rng, Style style) {
  Character c;
  c.kind = static_cast<Kind>(uniform_int(rng, 0, kind_count - 1));
  c.color = static_cast<Color>(uniform_int(rng, 0, color_count - 1));
  c.base = vary(rng, c.color);
  if (c.color == Color::black) c.base = lighter(c.base, 0.1);  // room for shades
  c.mood = static_cast<Mood>(pick_weighted(rng, std::array{0.25, 0.17, 0.15, 0.15, 0.13, 0.15}));
  choose_wear(rng, c);
  Finish finish;
  if (can_hold(c.kind) && chance(rng, 0.28)) {
    c.item = static_cast<Item>(uniform_int(rng, 0, item_count - 1));
    finish = usual_finish(rng, *c.item);
    c.item_base = finish.base;
  }
  const Backdrop backdrop = random_backdrop(rng, c.base, {c.color, Color::black});
  const double unit = uniform(rng, 0.36, 0.42);
  const Point at{0.5 + uniform(rng, -0.04, 0.04) - (c.item ? 0.04 : 0), 0.55 + uniform(rng, -0.02, 0.02)};
  Drawing drawing;
  drawing.caption = describe(rng, c, has_colors(style));
  if (has_colors(style) && backdrop.color && chance(rng, 0.6)) {
    drawing.caption += " on " + with_article(std::string(name(*backdrop.color))) + " background";
  }
  drawing.facts = facts_in(c, backdrop);
  list_objects(c, at, drawing);
  if (c.item) list_item(*c.item, finish, at, 0.35 * unit, drawing.objects);
  drawing.paint = [c, backdrop, at, unit](Canvas& canvas) {
    paint_backdrop(canvas, backdrop);
    paint_shadow(canvas, {at.x, at.y + 0.97 * unit}, 0.7 * unit);
    const Local local(canvas, at, unit);
    const Body body = paint_body(canvas, c.kind, c.base);
    paint_face(canvas, body, c.mood);
    paint_wear(canvas, body, c.wear, c.wear_base);
    if (!c.item) return;
    {
      const Local held(canvas, {body.hand.x + 0.14, body.hand.y - 0.16}, 0.42);
      paint_item(canvas, *c.item, c.item_base);
    }
    canvas.ellipse(body.hand, 0.14, 0.12);
    canvas.fill(body.skin);
  };
  return drawing;
}

}  // namespace unclip
