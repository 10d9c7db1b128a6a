// `unclip inspect FOLDER [--prior FOLDER]`: what a model folder holds, what fits and what is missing.
#pragma once

#include <filesystem>
#include <ostream>

namespace unclip {

struct InspectOptions {
  std::filesystem::path model;
  std::filesystem::path prior;  // its prior's folder; empty: it stands in `model`, or is not looked at
  bool json = false;            // one JSON object instead of the table
};

// Prints components, files, parameter counts, dtypes and memory, then everything that does not fit; reads
// headers only, never the weights. Returns ok, or ExitCode::model where something is missing, unused or
// misshapen, or prior and decoder do not belong together. Throws Error(model) when one is no model folder at
// all, Error(usage) when they are no pair.
int inspect(const InspectOptions& options, std::ostream& out);

}  // namespace unclip
