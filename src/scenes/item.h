// Things of a game: painted alone by the family Items, small in a character's hand by Characters.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "scenes/facts.h"
#include "scenes/scene.h"
#include "shade.h"

namespace unclip {

enum class Item {
  potion,
  sword,
  shield,
  gem,
  coin,
  key,
  chest,
  bomb,
  apple,
  mushroom,
  crystal,
  scroll,
  crown,
  heart
};
constexpr int item_count = 14;

// What a thing is made of: a color, or a material that has colors of its own.
struct Finish {
  std::string word;           // "blue", "golden"; empty: the thing's usual look, not worth a word
  std::vector<Color> colors;  // what it may be taken for
  Rgb base;
  std::string look = {};  // the same word, named or not; empty: none fits
};

std::string_view name(Item item);
Finish usual_finish(Rng& rng, Item item);
Finish random_finish(Rng& rng, Item item);

// Around (0, 0), within [-1, 1].
void paint_item(Canvas& canvas, Item item, Rgb base);

// What the thing looks like in the list of shapes, its center and size in unit coordinates.
void list_item(Item item, const Finish& finish, Point center, double half, std::vector<Object>& objects);

// A background, plain or softly lit, that sets off a thing of color `base`. Its name, when it has one.
struct Backdrop {
  std::optional<Color> color;
  Rgb inner, outer;
};
Backdrop random_backdrop(Rng& rng, Rgb base, const std::vector<Color>& not_these);
void paint_backdrop(Canvas& canvas, const Backdrop& backdrop);
// Soft, on the ground.
void paint_shadow(Canvas& canvas, Point center, double radius_x);

std::vector<std::string> facts_in(Item item, const Finish& finish, const Backdrop& backdrop);
std::vector<NamedFact> item_facts();

}  // namespace unclip
