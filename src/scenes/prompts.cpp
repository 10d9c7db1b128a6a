// Prompt lists: made by row, written and read as JSON lines (see prompts.h).
#include "scenes/prompts.h"

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>

#include "support/json.h"
#include "support/one_of.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, all_row_count> row_names{"single object", "color", "two objects",
                                                                "color binding", "count", "position",
                                                                "landscapes",    "items", "characters"};

constexpr const char* kExampleLine =
    R"(expected a line such as {"prompt": "a red star", "row": "color", "objects": [{"color": "red", "shape": "star"}]})";

Wanted random_wanted(Rng& rng) {
  return {static_cast<Color>(uniform_int(rng, 0, color_count - 1)),
          static_cast<Shape>(uniform_int(rng, 0, shape_count - 1))};
}

Requirement for_row(Rng& rng, Row row) {
  Requirement wanted{{random_wanted(rng)}, {}, {}};
  if (row == Row::count) wanted.objects[0].count = uniform_int(rng, 1, 4);
  if (row == Row::two_objects || row == Row::color_binding || row == Row::position) {
    Wanted other = random_wanted(rng);
    while (other.shape == wanted.objects[0].shape || other.color == wanted.objects[0].color) {
      other = random_wanted(rng);
    }
    wanted.objects.push_back(other);
  }
  if (row == Row::position) wanted.relation = static_cast<Relation>(uniform_int(rng, 0, relation_count - 1));
  return wanted;
}

// What is wrong with a line's key.
[[noreturn]] void refuse(const std::string& key, const std::string& expected, const json& found) {
  throw std::invalid_argument('"' + key + "\": expected " + expected + ", found " +
                              (found.is_null() ? "none" : shown(found)));
}

// Null where there is none.
json value_of(const json& object, const char* key) { return object.value(key, json()); }

// The choice that the key's word names: with spaces, or with hyphens as on the command line.
template <class Choice>
Choice choice(const json& object, const char* key, int count) {
  const json found = value_of(object, key);
  std::string word = found.is_string() ? found.get<std::string>() : "";
  std::ranges::replace(word, '-', ' ');
  std::vector<std::string> known;
  for (int i = 0; i < count; ++i) {
    known.emplace_back(name(static_cast<Choice>(i)));
    if (word == known.back()) return static_cast<Choice>(i);
  }
  refuse(key, one_of(known), found);
}

template <class Choice>
std::optional<Choice> find_choice(const json& object, const char* key, int count) {
  return value_of(object, key).is_null() ? std::nullopt : std::optional(choice<Choice>(object, key, count));
}

Wanted wanted_from(const json& object) {
  if (!object.is_object()) refuse("objects", "an object for each thing to draw", object);
  Wanted wanted{choice<Color>(object, "color", color_count), choice<Shape>(object, "shape", shape_count)};
  wanted.size = find_choice<Size>(object, "size", size_count).value_or(Size::any);
  if (const json count = value_of(object, "count"); !count.is_null()) {
    if (!count.is_number_integer() || count < 1 || count > 4) refuse("count", "1 to 4", count);
    wanted.count = count;
  }
  return wanted;
}

Prompt prompt_from(const json& line) {
  if (!line.is_object()) throw std::invalid_argument("expected an object, found " + shown(line));
  const json text = value_of(line, "prompt"), objects = value_of(line, "objects");
  if (!text.is_string()) refuse("prompt", "a text", text);
  Prompt prompt{text, choice<Row>(line, "row", row_count), false, {}};
  if (!objects.is_array() || objects.empty() || objects.size() > 2)
    refuse("objects", "a list of one or two", objects);
  for (const json& object : objects) prompt.wanted.objects.push_back(wanted_from(object));
  prompt.wanted.relation = find_choice<Relation>(line, "relation", relation_count);
  prompt.wanted.background = find_choice<Color>(line, "background", color_count);
  if (prompt.wanted.relation && objects.size() != 2)
    refuse("objects", "two, which \"relation\" is between", objects);
  prompt.held_out = holds_held_out(prompt.wanted);
  Rng rng = image_rng(0, 0);
  if (!draw_stubbornly(rng, prompt.wanted)) throw std::invalid_argument("no picture can hold these objects");
  return prompt;
}

}  // namespace

std::string_view name(Row row) { return row_names[static_cast<size_t>(row)]; }

std::vector<Prompt> eval_prompts(Row row, int n, uint64_t seed, bool held_out) {
  Rng rng = image_rng(seed, static_cast<uint64_t>(row) * 2 + (held_out ? 1 : 0));
  std::vector<Prompt> prompts;
  while (static_cast<int>(prompts.size()) < n) {
    const Requirement wanted = for_row(rng, row);
    // Some requirements have no room in any image that the family draws (a star inside a small cross).
    if (holds_held_out(wanted) != held_out || !draw_required(rng, wanted)) continue;
    prompts.push_back({describe(wanted), row, held_out, wanted});
  }
  return prompts;
}

std::optional<Drawing> draw_stubbornly(Rng& rng, const Requirement& wanted) {
  constexpr int kTries = 100;  // of an instant each; what is possible at all takes a few
  std::optional<Drawing> drawing;
  for (int i = 0; i < kTries && !drawing; ++i) drawing = draw_required(rng, wanted);
  return drawing;
}

Verdict judge(const Detections& detections, const Prompt& prompt) {
  return judge(detections, prompt.wanted, prompt.row != Row::single_object && prompt.row != Row::two_objects);
}

std::string to_json(const Prompt& prompt) {
  nlohmann::ordered_json line{
      {"prompt", prompt.text}, {"row", name(prompt.row)}, {"held_out", prompt.held_out}};
  for (const Wanted& object : prompt.wanted.objects) {
    line["objects"].push_back({{"color", name(object.color)},
                               {"shape", name(object.shape)},
                               {"size", name(object.size)},
                               {"count", object.count}});
  }
  line["relation"] = nullptr;
  if (prompt.wanted.relation) line["relation"] = name(*prompt.wanted.relation);
  line["background"] = nullptr;
  if (prompt.wanted.background) line["background"] = name(*prompt.wanted.background);
  return line.dump();
}

std::vector<Prompt> read_prompts(std::istream& lines, const std::string& file) {
  std::vector<Prompt> prompts;
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      prompts.push_back(prompt_from(parse_json(line)));
    } catch (const std::exception& fault) {
      throw Error(ExitCode::usage,
                  file + ":" + std::to_string(number) + ": not a prompt to judge: " + excerpt(fault.what()),
                  kExampleLine);
    }
  }
  if (prompts.empty())
    throw Error(ExitCode::usage, file + ": expected a prompt on each line, found none", kExampleLine);
  return prompts;
}

}  // namespace unclip
