// Items and characters: what shows of one, and the words for it.
#include "character.h"

namespace unclip {
namespace {

std::string background_fact(Color color) { return std::string(name(color)) + " background"; }
std::string held_fact(Item item) { return "holds a " + std::string(name(item)); }

std::string_view wear_fact(Wear wear) {
  constexpr std::array<std::string_view, wear_count> facts{"", "wears a hat", "wears a crown",
                                                           "wears glasses", "wears a scarf"};
  return facts[static_cast<size_t>(wear)];
}

void add_color_facts(std::vector<NamedFact>& facts) {
  for (int i = 0; i < color_count; ++i) {
    const auto color = static_cast<Color>(i);
    NamedFact fact{std::string(name(color)), {std::string(name(color))}};
    if (color == Color::purple) fact.words.push_back("violet");
    if (color == Color::gray) fact.words.push_back("grey");
    if (color == Color::cyan) fact.words.push_back("turquoise");
    facts.push_back(fact);
    facts.push_back({background_fact(color), {background_fact(color)}});
  }
}

std::vector<std::string> item_words(Item item) {
  switch (item) {
    case Item::potion:
      return {"potion", "flask"};
    case Item::gem:
      return {"gem", "gemstone", "jewel"};
    case Item::mushroom:
      return {"mushroom", "toadstool"};
    default:
      return {std::string(name(item))};
  }
}

std::vector<std::string> mood_words(Mood mood) {
  switch (mood) {
    case Mood::happy:
      return {"happy", "smiling", "cheerful"};
    case Mood::sad:
      return {"sad", "crying", "unhappy"};
    case Mood::angry:
      return {"angry", "furious", "mad"};
    case Mood::sleepy:
      return {"sleepy", "sleeping", "tired"};
    default:
      return {"surprised", "astonished", "shocked"};
  }
}

}  // namespace

std::vector<std::string> facts_in(Item item, const Finish& finish, const Backdrop& backdrop) {
  std::vector<std::string> facts{std::string(name(item))};
  if (!finish.look.empty()) facts.push_back(finish.look);
  if (backdrop.color) facts.push_back(background_fact(*backdrop.color));
  return facts;
}

std::vector<std::string> facts_in(const Character& c, const Backdrop& backdrop) {
  std::vector<std::string> facts{std::string(name(c.kind)), std::string(name(c.color))};
  if (c.mood != Mood::none) facts.emplace_back(name(c.mood));
  if (c.wear != Wear::nothing) facts.emplace_back(wear_fact(c.wear));
  if (c.item) facts.push_back(held_fact(*c.item));
  if (backdrop.color) facts.push_back(background_fact(*backdrop.color));
  return facts;
}

std::vector<NamedFact> item_facts() {
  std::vector<NamedFact> facts;
  for (int i = 0; i < item_count; ++i) {
    const auto item = static_cast<Item>(i);
    facts.push_back({std::string(name(item)), item_words(item)});
  }
  facts.push_back({"golden", {"golden", "gold"}});
  facts.push_back({"silver", {"silver"}});
  facts.push_back({"wooden", {"wooden"}});
  add_color_facts(facts);
  return facts;
}

std::vector<NamedFact> character_facts() {
  std::vector<NamedFact> facts;
  for (int i = 0; i < kind_count; ++i) {
    const std::string kind(name(static_cast<Kind>(i)));
    facts.push_back({kind, {kind}});
  }
  for (int i = 1; i < mood_count; ++i) {
    const auto mood = static_cast<Mood>(i);
    facts.push_back({std::string(name(mood)), mood_words(mood)});
  }
  const std::vector<std::string> worn[]{
      {}, {"hat"}, {"crown", "golden crown"}, {"glasses", "eyeglasses"}, {"scarf"}};
  for (int i = 1; i < wear_count; ++i)
    facts.push_back({std::string(wear_fact(static_cast<Wear>(i))), worn[i]});
  for (int i = 0; i < item_count; ++i) {
    const std::string item(name(static_cast<Item>(i)));
    facts.push_back({held_fact(static_cast<Item>(i)), {"holding " + item, "carrying " + item}});
  }
  add_color_facts(facts);
  return facts;
}

}  // namespace unclip
