// A run: checks the plan, opens the model once, feeds it, and writes each image as soon as it is there.
#pragma once

#include <functional>
#include <memory>
#include <ostream>

#include "batch/jobs.h"
#include "batch/plan.h"
#include "engine/engine.h"
#include "image/metadata.h"

namespace unclip {

struct BatchOptions {
  PlanOptions plan;
  int batch_size = 1;                    // images drawn together; 0: as many as fit into memory
  bool json = false;                     // print one JSON object an image instead of its path
  bool fail_fast = false;                // the first image that fails ends the run
  bool quiet = false;                    // no progress
  std::optional<ImageMetadata> again{};  // of an image that is made again: whether its weights are the same

  // All images as frames of one animation; empty: none.
  std::filesystem::path apng{}, gif{};
  bool replaces_animations = false;  // that are there
  int frame_ms = 100;                // how long each stays
};

using OpenEngine = std::function<std::unique_ptr<Engine>(EngineOptions)>;

// Makes all images. Returns ok or, where some failed, their code; throws Error for what stops the whole run.
ExitCode run_batch(const BatchOptions& options, Jobs jobs, const OpenEngine& open_engine, std::ostream& out);

}  // namespace unclip
