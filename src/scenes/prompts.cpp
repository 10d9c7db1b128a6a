// Prompt lists: made by row, written and read as JSON lines (see prompts.h).
#include "scenes/prompts.h"

#include <algorithm>
#include <istream>
#include <nlohmann/json.hpp>

#include "support/json.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, all_row_count> row_names{"single object", "color", "two objects",
                                                                "color binding", "count", "position",
                                                                "landscapes",    "items", "characters"};

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

// The value of `Choice` that is called `word`.
template <class Choice>
Choice choice(const json& word, int count) {
  for (int i = 0; i < count; ++i) {
    if (name(static_cast<Choice>(i)) == word.get<std::string>()) return static_cast<Choice>(i);
  }
  throw std::invalid_argument("unknown word " + word.dump());
}

Wanted wanted_from(const json& object) {
  Wanted wanted{choice<Color>(object.at("color"), color_count),
                choice<Shape>(object.at("shape"), shape_count)};
  wanted.size = choice<Size>(object.value("size", json("any")), 3);
  wanted.count = object.value("count", 1);
  if (wanted.count < 1 || wanted.count > 4) throw std::invalid_argument("count must be 1 to 4");
  return wanted;
}

Prompt prompt_from(const json& line) {
  Prompt prompt{line.at("prompt"), choice<Row>(line.at("row"), row_count), false, {}};
  for (const json& object : line.at("objects")) prompt.wanted.objects.push_back(wanted_from(object));
  if (const json relation = line.value("relation", json()); !relation.is_null()) {
    prompt.wanted.relation = choice<Relation>(relation, relation_count);
  }
  if (const json background = line.value("background", json()); !background.is_null()) {
    prompt.wanted.background = choice<Color>(background, color_count);
  }
  const size_t objects = prompt.wanted.objects.size();
  if (objects < 1 || objects > 2) throw std::invalid_argument("objects must be one or two");
  if (prompt.wanted.relation && objects != 2) throw std::invalid_argument("a relation needs two objects");
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
      throw Error(
          ExitCode::usage,
          file + ":" + std::to_string(number) + ": not a prompt to judge: " + excerpt(fault.what()),
          R"(expected a line such as {"prompt": "a red star", "row": "color", "objects": [{"color": "red", "shape": "star"}]})");
    }
  }
  return prompts;
}

}  // namespace unclip
