// The state of a stage's training in one file, RUN/STAGE/checkpoint.safetensors, written whole or not at all:
// training goes on from it exactly as if it had never stopped. Random draws need no state of their own: each
// step seeds them.
#pragma once

#include <filesystem>

#include "train/optimizer.h"
#include "train/stage.h"

namespace unclip {

struct Position {
  int64_t step = 0;     // optimizer steps done
  uint64_t images = 0;  // drawn from the source
};

void save_checkpoint(const std::filesystem::path& file, const Stage& stage, const Optimizer& optimizer,
                     const Position& position, const Recipe& recipe);

// Whether a run can go on from what the file says of itself: before anything is written. Throws as below.
void check_checkpoint(const std::filesystem::path& file, const std::string& stage, const Recipe& recipe);

// Throws Error(model) when the file is damaged (counts, shapes, values that are no numbers) or was made with
// another recipe, naming the first key that differs. Phases that had not begun may differ.
Position load_checkpoint(const std::filesystem::path& file, Stage& stage, Optimizer& optimizer,
                         const Recipe& recipe);

}  // namespace unclip
