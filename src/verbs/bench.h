// `unclip bench`: how fast each stage of a model runs here, and how near that is to what the machine can do.
#pragma once

#include <filesystem>
#include <ostream>

#include "unclip/device_choice.h"
#include "unclip/image_options.h"

namespace unclip {

struct BenchOptions {
  std::filesystem::path model{};
  std::filesystem::path prior{};  // its prior's folder; empty: it stands in `model`
  ImageOptions image{};           // steps, guidance, size, sampler; what it leaves open is the model's
  int batch_size = 1;             // images computed together, ≥ 1
  int runs = 3;                   // images (or batches) timed after the one that warms up, ≥ 1
  DeviceChoice device{};
  DtypeChoice dtype = DtypeChoice::automatic;
  bool low_memory = false;
  bool json = false;  // one JSON object instead of the table
  bool quiet = false;
};

// Returns the exit code; throws Error as open_engine does.
int bench(const BenchOptions& options, std::ostream& out);

}  // namespace unclip
