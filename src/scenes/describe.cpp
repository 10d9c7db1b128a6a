// Requirements in words: the plain sentence of the prompt lists, and the many ways of the training captions.
// Every caption is true of its image, and says nothing that another arrangement could mean.
#include "scenes/requirement.h"
#include "scenes/words.h"

namespace unclip {
namespace {

constexpr std::array<std::string_view, 3> size_names{"any", "small", "large"};
constexpr std::array<std::string_view, relation_count> relation_names{"left of", "right of", "above", "below",
                                                                      "inside"};

// The usual word mostly, a synonym now and then.
std::string color_word(Rng& rng, Color color) {
  if (chance(rng, 0.85)) return std::string(name(color));
  switch (color) {
    case Color::cyan:
      return "turquoise";
    case Color::purple:
      return "violet";
    case Color::gray:
      return "grey";
    default:
      return std::string(name(color));
  }
}

std::string shape_word(Rng& rng, Shape shape) {
  if (chance(rng, 0.88)) return std::string(name(shape));
  switch (shape) {
    case Shape::circle:
      return pick(rng, {"disc", "disk"});
    case Shape::diamond:
      return "rhombus";
    case Shape::ring:
      return "hoop";
    case Shape::cross:
      return "plus sign";
    default:
      return std::string(name(shape));
  }
}

std::string size_word(Rng& rng, Size size) {
  return size == Size::small ? pick(rng, {"small", "small", "small", "tiny", "little"})
                             : pick(rng, {"large", "large", "big", "big", "huge"});
}

std::string plural(const std::string& noun) { return noun + (noun.back() == 's' ? "es" : "s"); }

std::string number(Rng& rng, int count) {
  static const std::array<const char*, 5> words{"", "one", "two", "three", "four"};
  return chance(rng, 0.8) ? words[static_cast<size_t>(count)] : std::to_string(count);
}

// "two small yellow stars", "a red circle"
std::string phrase(Rng& rng, const Wanted& wanted, bool colors) {
  std::string words;
  if (wanted.size != Size::any) words += size_word(rng, wanted.size) + " ";
  if (colors) words += color_word(rng, wanted.color) + " ";
  words += shape_word(rng, wanted.shape);
  if (wanted.count > 1) return number(rng, wanted.count) + " " + plural(words);
  if (chance(rng, 0.05)) return pick(rng, {"one ", "a single "}) + words;
  return with_article(words);
}

std::string relation_words(Rng& rng, Relation relation) {
  switch (relation) {
    case Relation::left_of:
      return pick(rng, {"left of", "left of", "to the left of", "to the left of", "on the left side of"});
    case Relation::right_of:
      return pick(rng,
                  {"right of", "right of", "to the right of", "to the right of", "on the right side of"});
    case Relation::above:
      return pick(rng, {"above", "above", "above", "over"});
    case Relation::below:
      return pick(rng, {"below", "below", "below", "under", "beneath", "underneath"});
    case Relation::inside:
      return pick(rng, {"inside", "inside", "inside", "in", "within", "inside of"});
  }
  return {};
}

Relation inverse(Relation relation) {
  switch (relation) {
    case Relation::left_of:
      return Relation::right_of;
    case Relation::right_of:
      return Relation::left_of;
    case Relation::above:
      return Relation::below;
    default:
      return Relation::above;
  }
}

// "a red circle on the left and a blue square on the right"
std::string side_by_side(Rng& rng, Relation relation, const std::string& a, const std::string& b) {
  const bool sideways = relation == Relation::left_of || relation == Relation::right_of;
  const bool a_first = relation == Relation::left_of || relation == Relation::above;
  const std::string near = sideways ? "on the left" : pick(rng, {"at the top", "on top"});
  const std::string far = sideways ? "on the right" : "at the bottom";
  return (a_first ? a : b) + " " + near + pick(rng, {" and ", ", "}) + (a_first ? b : a) + " " + far;
}

std::string related(Rng& rng, const Requirement& wanted, bool colors) {
  std::string a = phrase(rng, wanted.objects[0], colors), b = phrase(rng, wanted.objects[1], colors);
  Relation relation = *wanted.relation;
  if (relation == Relation::inside) {
    if (chance(rng, 0.15)) return b + pick(rng, {" containing ", " around "}) + a;
  } else {
    if (chance(rng, 0.12)) return side_by_side(rng, relation, a, b);
    if (chance(rng, 0.3)) {
      std::swap(a, b);
      relation = inverse(relation);
    }
  }
  return a + pick(rng, {" ", " ", " ", " is ", " placed "}) + relation_words(rng, relation) + " " + b;
}

std::string unrelated(Rng& rng, const Requirement& wanted, bool colors) {
  std::string a = phrase(rng, wanted.objects[0], colors), b = phrase(rng, wanted.objects[1], colors);
  if (chance(rng, 0.5)) std::swap(a, b);
  return a + pick(rng, {" and ", " and ", " and ", " and ", ", ", " with ", " as well as "}) + b;
}

std::string framed(Rng& rng, const std::string& words, bool several) {
  if (chance(rng, 0.6) || words.find(" is ") != std::string::npos) return words;
  switch (uniform_int(rng, 0, 6)) {
    case 0:
      return (several ? "there are " : "there is ") + words;
    case 1:
      return pick(rng, {"a picture of ", "an image of ", "a picture showing "}) + words;
    case 2:
      return pick(rng, {"a drawing of ", "a simple drawing of ", "a clean drawing of "}) + words;
    case 3:
      return pick(rng, {"an illustration of ", "a graphic of "}) + words;
    case 4:
      return pick(rng, {"here we see ", "we see ", "the picture shows "}) + words;
    case 5:
      return pick(rng, {"just ", "only ", "simply "}) + words;
    default:
      return pick(rng, {"geometric shapes: ", "shapes: ", "simple shapes, "}) + words;
  }
}

}  // namespace

std::string_view name(Size size) { return size_names[static_cast<size_t>(size)]; }
std::string_view name(Relation relation) { return relation_names[static_cast<size_t>(relation)]; }

std::string describe(const Requirement& wanted) {
  std::string text;
  for (const Wanted& object : wanted.objects) {
    if (!text.empty()) text += wanted.relation ? " " + std::string(name(*wanted.relation)) + " " : " and ";
    std::string words = object.size == Size::any ? "" : std::string(name(object.size)) + " ";
    words += std::string(name(object.color)) + " " + std::string(name(object.shape));
    static const std::array<const char*, 5> numbers{"", "", "two ", "three ", "four "};
    text +=
        object.count == 1 ? with_article(words) : numbers[static_cast<size_t>(object.count)] + plural(words);
  }
  if (wanted.background) text += " on " + with_article(std::string(name(*wanted.background)) + " background");
  return text;
}

std::string describe(Rng& rng, const Requirement& wanted, bool colors, bool background) {
  std::string words = wanted.objects.size() == 1 ? phrase(rng, wanted.objects[0], colors)
                      : wanted.relation          ? related(rng, wanted, colors)
                                                 : unrelated(rng, wanted, colors);
  words = framed(rng, words, wanted.objects[0].count > 1);
  if (!background || !wanted.background) return words;
  const std::string color = color_word(rng, *wanted.background);
  switch (uniform_int(rng, 0, 5)) {
    case 0:
      return words + " on " + color;
    case 1:
      return words + pick(rng, {" against ", " in front of "}) + with_article(color + " background");
    case 2:
      return words + ", " + color + " background";
    case 3:
      return color + " background, " + words;
    default:
      return words + " on " + with_article(color + " background");
  }
}

}  // namespace unclip
