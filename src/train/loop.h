// The training loop, the same for all stages: draws, learns, measures, saves, and goes on where it stopped.
#pragma once

#include <filesystem>
#include <optional>

#include "train/stage.h"

namespace unclip {

struct LoopOptions {
  std::filesystem::path folder;                    // RUN/STAGE: checkpoint, metrics.jsonl, samples/
  std::optional<std::filesystem::path> data = {};  // a folder of images instead of the scenes
  std::optional<std::filesystem::path> from = {};  // a model whose weights a new run begins with
  double minutes = 0;                              // stop after so long; 0: when all phases are done
  double checkpoint_minutes = 10;                  // between two checkpoints
  int loader_threads = 1;
  int threads = 1;  // of a step on the CPU
};

// True when all phases are done, false when time ran out. Throws Error(interrupted) after a signal, within a
// step and with everything saved; Error(jobs_failed) where a loss or gradient is no number: the last
// checkpoint stays.
bool run_stage(StageMaker make, const TrainContext& context, const LoopOptions& options);

// Images a second of `steps` steps of a new run, after three for warming up; nothing is written.
double bench_stage(StageMaker make, const TrainContext& context, const LoopOptions& options, int64_t steps);

// The images of one phase: scenes, or the user's folder.
std::shared_ptr<const ImageSource> make_source(const SceneOptions& scenes,
                                               const std::optional<std::filesystem::path>& data,
                                               bool captioned_only);

}  // namespace unclip
