// The painter of a batch run: a pipeline on its device.
#pragma once

#include <filesystem>
#include <memory>

#include "batch/painter.h"
#include "device/choice.h"
#include "pipeline/pipeline.h"

namespace unclip {

// What to open, and how.
struct PainterModel {
  std::filesystem::path folder;
  std::filesystem::path prior;  // its other half where it comes as two folders; empty: it stands in `folder`
  DeviceChoice device;
  DtypeChoice dtype = DtypeChoice::automatic;
};

// Opens the model, without its prior where all pictures begin with an embedding. Throws Error as
// Pipeline::open and select_device() do.
std::unique_ptr<Painter> open_pipeline_painter(const PainterModel& model, bool embedded);

// Opens what makes embeddings alone, runs it once, and gives what --save-embedding writes. Throws Error.
ImageEmbedding embed(const PainterModel& model, const JobOptions& options, uint64_t seed,
                     const Painter::Observer& observer);

}  // namespace unclip
