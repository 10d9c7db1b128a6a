// The family Game items: one thing, a color or a material, a plain background, a caption.
#include "item.h"

#include <algorithm>
#include <cmath>

#include "words.h"

namespace unclip {
namespace {

constexpr std::array<std::string_view, item_count> names{"potion",  "sword",  "shield", "gem",   "coin",
                                                         "key",     "chest",  "bomb",   "apple", "mushroom",
                                                         "crystal", "scroll", "crown",  "heart"};

Finish finish_of(const std::string& look, bool named, std::vector<Color> colors, Rgb base) {
  return {named ? look : "", std::move(colors), base, look};
}
Finish colored(Rng& rng, Color color, bool named) {
  return finish_of(std::string(name(color)), named, {color}, vary(rng, color));
}
Finish golden(bool named) {
  return finish_of("golden", named, {Color::yellow, Color::orange}, hex(0xf2b632));
}
Finish silver(bool named) { return finish_of("silver", named, {Color::gray, Color::white}, hex(0xb9c2cc)); }
Finish wooden(bool named) { return finish_of("wooden", named, {Color::brown}, hex(0x9a6537)); }

bool can_be_wooden(Item item) {
  return item == Item::sword || item == Item::shield || item == Item::coin || item == Item::key ||
         item == Item::chest || item == Item::crown || item == Item::heart;
}

bool can_be_silver(Item item) {
  return item != Item::potion && item != Item::scroll && item != Item::mushroom && item != Item::gem &&
         item != Item::crystal;
}

std::string item_word(Rng& rng, Item item) {
  if (chance(rng, 0.85)) return std::string(name(item));
  switch (item) {
    case Item::potion:
      return pick(rng, {"magic potion", "potion bottle", "flask"});
    case Item::gem:
      return pick(rng, {"gemstone", "jewel"});
    case Item::chest:
      return "treasure chest";
    case Item::mushroom:
      return "toadstool";
    case Item::crystal:
      return pick(rng, {"magic crystal", "crystal cluster"});
    case Item::scroll:
      return pick(rng, {"magic scroll", "parchment scroll"});
    case Item::bomb:
      return "round bomb";
    default:
      return std::string(name(item));
  }
}

std::string finish_word(Rng& rng, const std::string& word) {
  if (word == "golden") return pick(rng, {"golden", "golden", "golden", "gold", "shiny golden"});
  if (word == "silver") return pick(rng, {"silver", "silver", "silver", "shiny silver"});
  if (word == "purple") return pick(rng, {"purple", "purple", "purple", "violet"});
  if (word == "gray") return pick(rng, {"gray", "gray", "gray", "grey"});
  if (word == "cyan") return pick(rng, {"cyan", "cyan", "cyan", "turquoise"});
  return word;
}

std::string describe_item(Rng& rng, Item item, const std::string& finish) {
  std::string words = (finish.empty() ? "" : finish_word(rng, finish) + " ") + item_word(rng, item);
  if (chance(rng, 0.08)) words = pick(rng, {"magical ", "shiny ", "beautiful ", "simple "}) + words;
  const std::string one = with_article(words);
  switch (uniform_int(rng, 0, 9)) {
    case 0:
      return pick(rng, {"game icon of ", "a game icon of ", "an icon of ", "a video game icon of "}) + one;
    case 1:
      return pick(rng, {"a picture of ", "an image of ", "an illustration of ", "a drawing of "}) + one;
    case 2:
      return one + pick(rng, {", game item", ", game icon", ", rpg item", " icon", ", inventory icon"});
    case 3:
      return pick(rng, {"game item: ", "rpg item: ", "item: "}) + one;
    case 4:
      return one + pick(rng, {" for a game", " for a role-playing game", " from a video game"});
    default:
      return one;
  }
}

}  // namespace

std::string_view name(Item item) { return names[static_cast<size_t>(item)]; }

Finish usual_finish(Rng& rng, Item item) {
  switch (item) {
    case Item::sword:
      return silver(false);
    case Item::coin:
    case Item::key:
    case Item::crown:
      return golden(false);
    case Item::chest:
      return wooden(false);
    case Item::bomb:
      return colored(rng, Color::black, false);
    case Item::scroll:
      return {"", {}, hex(0xf3e2b8)};
    case Item::apple:
    case Item::mushroom:
    case Item::heart:
      return colored(rng, Color::red, false);
    default:
      return colored(rng, chance(rng, 0.5) ? Color::blue : Color::green, false);
  }
}

Finish random_finish(Rng& rng, Item item) {
  const double kind = uniform(rng, 0, 1);
  if (kind < 0.16) return golden(true);
  if (kind < 0.24 && can_be_silver(item)) return silver(true);
  if (kind < 0.32 && can_be_wooden(item)) return wooden(true);
  return colored(rng, static_cast<Color>(uniform_int(rng, 0, color_count - 1)), true);
}

void list_item(Item item, const Finish& finish, Point center, double half, std::vector<Object>& objects) {
  const auto add = [&](Shape shape) {
    for (const Color color : finish.colors) {
      objects.push_back({shape, color, center, 4 * half * half * fill_of(shape)});
    }
  };
  switch (item) {
    case Item::heart:
      return add(Shape::heart);
    case Item::gem:
    case Item::crystal:
      return add(Shape::diamond);
    case Item::coin:
      add(Shape::ring);
      return add(Shape::circle);
    case Item::key:
      return add(Shape::ring);
    case Item::bomb:
    case Item::potion:
    case Item::apple:
    case Item::crown:  // the balls on its points
      return add(Shape::circle);
    default:
      return;
  }
}

Backdrop random_backdrop(Rng& rng, Rgb base, const std::vector<Color>& not_these) {
  const auto apart = [&](Rgb c) { return std::hypot(c.r - base.r, c.g - base.g, c.b - base.b) > 0.45; };
  Backdrop backdrop;
  if (chance(rng, 0.4)) {  // one of the twelve, to be named
    Color color;
    do {
      color = static_cast<Color>(uniform_int(rng, 0, color_count - 1));
    } while (std::ranges::find(not_these, color) != not_these.end() || !apart(center(color)));
    backdrop.color = color;
    backdrop.inner = backdrop.outer = vary(rng, color);
    return backdrop;
  }
  const std::vector<Rgb> calm{hex(0xf3ead8), hex(0xdcebf5), hex(0xe3f1df), hex(0xf5e1e4), hex(0xe6e0f3),
                              hex(0x2d3450), hex(0x38304a), hex(0x2f4447), hex(0x4a3b35)};
  do {
    backdrop.outer = pick(rng, calm);
  } while (!apart(backdrop.outer));
  backdrop.inner = lighter(backdrop.outer, luminance(backdrop.outer) > 0.5 ? 0.5 : 0.22);
  return backdrop;
}

void paint_backdrop(Canvas& canvas, const Backdrop& backdrop) {
  canvas.fill_radial({0.5, 0.5}, 0.72, {{0, backdrop.inner}, {1, backdrop.outer}});
}

void paint_shadow(Canvas& canvas, Point c, double radius_x) {
  const Local local(canvas, c, radius_x);
  canvas.ellipse({0, 0}, 1, 0.2);
  canvas.fill(hex(0x101018), 0.2);
}

Drawing make_item(Rng& rng, Style style) {
  const Item item = static_cast<Item>(uniform_int(rng, 0, item_count - 1));
  const Finish finish = chance(rng, 0.15) ? usual_finish(rng, item) : random_finish(rng, item);
  const Backdrop backdrop = random_backdrop(rng, finish.base, finish.colors);
  const double half = uniform(rng, 0.3, 0.39);
  const Point at{0.5 + uniform(rng, -0.05, 0.05), 0.49 + uniform(rng, -0.03, 0.03)};
  Drawing drawing;
  const bool colors = has_colors(style);
  drawing.caption = describe_item(rng, item, colors ? finish.word : "");
  if (colors && backdrop.color && chance(rng, 0.6)) {
    drawing.caption += " on a" + std::string(backdrop.color == Color::orange ? "n " : " ") +
                       std::string(name(*backdrop.color)) + " background";
  }
  drawing.facts = facts_in(item, finish, backdrop);
  list_item(item, finish, at, half, drawing.objects);
  drawing.paint = [item, base = finish.base, backdrop, at, half](Canvas& canvas) {
    paint_backdrop(canvas, backdrop);
    paint_shadow(canvas, {at.x, at.y + 0.98 * half}, 0.7 * half);
    const Local local(canvas, at, half);
    paint_item(canvas, item, base);
  };
  return drawing;
}

}  // namespace unclip
