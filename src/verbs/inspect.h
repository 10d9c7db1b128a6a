// `unclip inspect FOLDER [--prior FOLDER]`: what a model folder holds, what fits and what is missing.
#pragma once

#include <filesystem>
#include <ostream>

namespace unclip {

struct InspectOptions {
  std::filesystem::path model;
  std::filesystem::path prior;  // its prior's folder; empty: it stands in `model`, or is not looked at
  bool verify = false;          // read all weights, and tell which are not finite
  bool json = false;            // one JSON object instead of the table
};

// Prints components, files, parameter counts, dtypes and memory, then everything that does not fit. All that
// is no net's weights is opened as a run does; of these it reads headers only, unless all are asked for.
// Returns ok, or ExitCode::model where something is missing, unused, misshapen or not finite, or components
// do not belong together. Throws Error(model) when one is no model folder at all, Error(usage) when they are
// no pair.
int inspect(const InspectOptions& options, std::ostream& out);

}  // namespace unclip
