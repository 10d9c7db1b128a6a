// `unclip convert FOLDER -o NEW`: torch's checkpoints → safetensors, running nothing that they hold.
#pragma once

#include <filesystem>
#include <ostream>

#include "support/log.h"

namespace unclip {

struct ConvertOptions {
  std::filesystem::path input;   // model folder, or one checkpoint
  std::filesystem::path output;  // the new folder or file
  bool overwrite = false;
  bool json = false;  // one JSON object per file: {"file", "sha256", "tensors", "bytes"}
  Verbosity verbosity = Verbosity::normal;
};

// Prints the SHA-256 and the path of each file that was written, as `sha256sum -c` reads them, and warns of
// what was left out. "tensors" is null for a file that was copied. Returns the exit code; throws as
// convert_checkpoints() in convert/convert.h.
int convert(const ConvertOptions& options, std::ostream& out);

}  // namespace unclip
