// A creature as chosen, before it is painted and put into words.
#pragma once

#include "item.h"

namespace unclip {

enum class Kind { robot, slime, ghost, cat, dog, bird, fish, alien, knight, wizard, monster, owl };
enum class Mood { none, happy, sad, angry, sleepy, surprised };
enum class Wear { nothing, hat, crown, glasses, scarf };

constexpr int kind_count = 12, mood_count = 6, wear_count = 5;

struct Character {
  Kind kind = Kind::robot;
  Color color = Color::blue;
  Rgb base;
  Mood mood = Mood::none;
  Wear wear = Wear::nothing;
  Rgb wear_base;
  std::optional<Item> item;
  Rgb item_base;
};

// Where face, clothes and hand belong on a body; around (0, 0), within about [-1, 1].
struct Body {
  Point eyes;            // between them
  double eye_gap = 0.3;  // from there to each
  double eye = 0.17;     // half width
  Point mouth;
  double mouth_half = 0.2;
  Rgb skin;    // around the eyes
  Point head;  // top of the head
  double head_half = 0.5;
  Point neck;
  double neck_half = 0.5;
  Point hand{0.72, 0.4};
  bool beak = false;
};

Body paint_body(Canvas& canvas, Kind kind, Rgb base);
void paint_face(Canvas& canvas, const Body& body, Mood mood);
void paint_wear(Canvas& canvas, const Body& body, Wear wear, Rgb base);

std::string_view name(Kind kind);
std::string_view name(Mood mood);
std::string describe(Rng& rng, const Character& character, bool colors);

std::vector<std::string> facts_in(const Character& character, const Backdrop& backdrop);
std::vector<NamedFact> character_facts();

}  // namespace unclip
