// `unclip train STAGE --config FILE --out RUN`: makes a model, stage by stage.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>

#include "unclip/device_choice.h"

namespace unclip {

struct TrainOptions {
  std::string stage;                          // tokenizer, clip, prior, decoder, upsampler, judge or all
  std::filesystem::path config;               // the recipe (train/recipe.h)
  std::filesystem::path output;               // run folder; a run that is there goes on
  std::optional<std::filesystem::path> data;  // folder with metadata.jsonl instead of the scenes
  std::optional<std::filesystem::path> from;  // model folder to fine-tune
  double minutes = 0;                         // stop after so long; 0: when the recipe is done
  double checkpoint_minutes = 10;             // between two checkpoints, > 0
  int threads = 0;                            // of the training step on the CPU; 0: one a core
  int64_t bench_steps = 0;                    // > 0: only time so many steps of `stage`, write nothing
  DeviceChoice device;
  DtypeChoice dtype = DtypeChoice::automatic;  // of the working weights; masters are float32
};

// Trains and exports to RUN/model; prints that path (of stage judge RUN/model/judge), or with bench_steps
// {"stage", "images_per_second", "loader": {threads: images a second that the loader draws alone}}. Under
// torchrun or srun with several tasks these train one model together (train/place.h), and the first one
// writes and prints. Returns the exit code; throws Error.
int train(const TrainOptions& options, std::ostream& out);

}  // namespace unclip
