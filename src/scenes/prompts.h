// The prompt lists of `unclip eval`: rows like GenEval's (arXiv 2310.11513), each for seen and for held-out
// pairs, made from a seed and kept as JSON lines.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "scenes/judge.h"

namespace unclip {

// What a row asks. Of Shapes the first and the third judge shapes alone, the others colors too; then a row
// for each other family (scenes/facts.h).
enum class Row {
  single_object,
  color,
  two_objects,
  color_binding,
  count,
  position,
  landscapes,
  items,
  characters
};

constexpr int row_count = 6;  // of Shapes
constexpr int all_row_count = 9;
std::string_view name(Row row);

struct Prompt {
  std::string text;
  Row row = Row::single_object;
  bool held_out = false;  // holds at least one pair that no training image holds
  Requirement wanted;
};

// `n` prompts of a row of Shapes. The same seed gives the same list; seen prompts hold no pair that is held
// out.
std::vector<Prompt> eval_prompts(Row row, int n, uint64_t seed, bool held_out);

// An image that holds what is wanted; none where many tries gave none.
std::optional<Drawing> draw_stubbornly(Rng& rng, const Requirement& wanted);

Verdict judge(const Detections& detections, const Prompt& prompt);

// {"prompt", "row", "held_out", "objects": [{"color", "shape", "size", "count"}], "relation", "background"};
// relation and background may be null or absent, size "any" or absent, count 1 or absent.
std::string to_json(const Prompt& prompt);
// One prompt a line, blank lines skipped; words of several as in name() or with hyphens. Throws
// ExitCode::usage with `file`:line where one does not fit, and where there is none.
std::vector<Prompt> read_prompts(std::istream& lines, const std::string& file);

}  // namespace unclip
