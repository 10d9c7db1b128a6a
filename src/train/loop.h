// The training loop, the same for all stages: draws, learns, measures, saves, and goes on where it stopped.
#pragma once

#include <filesystem>
#include <optional>

#include "train/peers.h"
#include "train/stage.h"

namespace unclip {

struct LoopOptions {
  std::filesystem::path folder = {};               // RUN/STAGE: checkpoint, metrics.jsonl, samples/
  std::optional<std::filesystem::path> data = {};  // a folder of images instead of the scenes
  std::optional<std::filesystem::path> from = {};  // a model whose weights a new run begins with
  double minutes = 0;                              // stop after so long; 0: when all phases are done
  double checkpoint_minutes = 10;                  // between two checkpoints
  int loader_threads = 1;
  int threads = 1;         // of a step on the CPU
  Peers* peers = nullptr;  // the processes that train together; null: this one alone
};

// How many of a batch's micro-batches each process computes. Throws Error(usage) where they do not go round.
int64_t own_parts(const Recipe& recipe, const std::string& stage, int processes);

// True when all phases are done, false when time ran out. Throws Error(interrupted) after a signal, within a
// step and with everything saved; Error(jobs_failed) where a loss or gradient is no number: the last
// checkpoint stays. With peers each process computes its share of every batch's micro-batches, and all come
// to the weights that one would; rank 0 alone writes. Throws Error(jobs_failed) where one of them has
// ended.
bool run_stage(StageMaker make, const TrainContext& context, const LoopOptions& options);

// Images a second of `steps` steps of a new run, after three for warming up; nothing is written.
double bench_stage(StageMaker make, const TrainContext& context, const LoopOptions& options, int64_t steps);

}  // namespace unclip
