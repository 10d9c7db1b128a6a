// The endless source of captioned images. A family makes a drawing: every random choice is taken, and a
// painter draws it at any size. draw_scene adds style and caption and yields image `index` of a source, so
// any thread can draw any image and training resumes exactly.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "scenes/canvas.h"
#include "scenes/random.h"
#include "scenes/vocabulary.h"

namespace unclip {

enum class Family { shapes, landscapes, items, characters };
enum class Arrangement { one, alike, unlike };  // of Shapes: one object, two to four alike, two unlike
enum class Style { flat, pixel_art, pencil_sketch, watercolor, neon, blueprint };

constexpr int family_count = 4;
constexpr int style_count = 6;
constexpr int arrangement_count = 3;

std::string_view name(Family family);
std::string_view name(Style style);  // as in captions: "pixel art"
std::string_view name(Arrangement arrangement);

// A colored shape in a drawing. Families other than shapes list whatever looks like one (a heart item, a
// ring, the sun as a circle), for the held-out rule.
struct Object {
  Shape shape = Shape::circle;
  Color color = Color::red;
  Point center;     // unit coordinates
  double area = 0;  // part of the image that it fills, 0 … 1
};

struct Drawing {
  std::string caption;  // true of the image; lower case, with articles, no full stop, no style word
  std::vector<std::string> facts;  // that show in color (scenes/facts.h); none of Shapes
  std::vector<Object> objects;
  std::function<void(Canvas&)> paint;  // takes no further random choices
  // A caption that is nearly true: false in one thing. Empty where the family knows none.
  std::function<std::string(Rng&)> hard_negative;
};

// How the family Shapes chooses what to draw.
struct ShapesMix {
  std::array<double, arrangement_count> arrangements = {2, 3, 5};  // weights, in the order of Arrangement
  std::vector<Color> colors;                                       // three or more to choose from; empty: all
};

struct SceneOptions {
  uint64_t seed = 0;
  int size = 64;                                                 // pixels a side
  std::array<double, family_count> families = {4, 3, 1.5, 1.5};  // weights, in the order of Family
  std::array<double, style_count> styles = {15, 1, 1, 1, 1, 1};  // weights, in the order of Style
  double uncaptioned = 0.1;                                      // part of the images with an empty caption
  std::array<double, arrangement_count> arrangements = ShapesMix{}.arrangements;
  // So many images in a row have three colors for their shapes, so that a contrastive batch cannot be told
  // apart by color alone (hard negatives, arXiv:2010.04592); 0: all colors everywhere.
  uint64_t sharing = 0;
  // False captions an image, for families that know some: what only they can teach is which color belongs
  // to which shape, and where each stands (NegCLIP, arXiv:2210.01936).
  uint64_t hard_negatives = 0;
};

// Weights that choose nothing else.
constexpr std::array<double, family_count> only(Family family) {
  std::array<double, family_count> weights{};
  weights[static_cast<size_t>(family)] = 1;
  return weights;
}
constexpr std::array<double, style_count> only(Style style) {
  std::array<double, style_count> weights{};
  weights[static_cast<size_t>(style)] = 1;
  return weights;
}

// Numbers from here on are for judging: no training gets so far.
constexpr uint64_t beyond_training = uint64_t{1} << 62;

struct Scene {
  std::string caption;                      // empty: uncaptioned
  std::vector<std::string> hard_negatives;  // false of the image, written in as many ways
  Family family = Family::shapes;
  Style style = Style::flat;
  std::vector<std::string> facts;  // that show in it where the style has colors
  std::vector<Object> objects;
  int size = 0;
  std::vector<uint8_t> rgb;  // [size * size * 3], rows top-down
};

// Image number `index`. Pure: safe on many threads; the size changes nothing but the size. Never holds a
// pair that is held out.
Scene draw_scene(const SceneOptions& options, uint64_t index);

// One function a family. `style` is for what must differ beforehand: where colors do not survive
// (has_colors is false) the caption must not name one.
Drawing make_shapes(Rng& rng, Style style, const ShapesMix& mix = {});
Drawing make_landscape(Rng& rng, Style style);
Drawing make_item(Rng& rng, Style style);
Drawing make_character(Rng& rng, Style style);

// Styles. `seed` feeds grain and wobble, equal at every size.
bool has_colors(Style style);
// True where a filled shape becomes its outline (a circle looks like a ring) and the background is the
// style's.
bool is_outlined(Style style);
// The colors in which an object of `color` may show in this style (held-out rule): flat gives {color}.
std::vector<Color> shown_as(Style style, Color color);
void paint_in_style(const Drawing& drawing, Style style, uint64_t seed, Canvas& canvas);
// "a dog" → "a dog, pixel art", "pixel art of a dog", …; flat returns the caption, now and then with a word.
std::string style_caption(Rng& rng, Style style, const std::string& caption);

// Ways of writing: drops articles, changes case, adds a full stop, each now and then.
std::string vary_writing(Rng& rng, std::string caption);

}  // namespace unclip
