// `unclip inspect FOLDER`: what a model folder holds, what fits and what is missing.
#pragma once

#include <filesystem>
#include <ostream>

namespace unclip {

struct InspectOptions {
  std::filesystem::path model;
  bool json = false;  // one JSON object instead of the table
};

// Prints components, files, parameter counts, dtypes and memory, then everything that does not fit; reads
// headers only, never the weights. Returns ok, or ExitCode::model where something is missing, unused or
// misshapen. Throws Error(model) when `model` is no model folder at all.
int inspect(const InspectOptions& options, std::ostream& out);

}  // namespace unclip
