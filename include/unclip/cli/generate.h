// `unclip generate`: pictures from prompts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "unclip/device/choice.h"
#include "unclip/support/log.h"

namespace unclip {

struct GenerateOptions {
  std::vector<std::string> prompts;        // UTF-8, one job each
  std::filesystem::path model;             // empty: the shipped model
  std::string output;                      // file, folder or template (batch/output_name.h)
  int count = 1;                           // pictures a prompt, ≥ 1
  std::optional<uint64_t> seed;            // absent: random, and recorded
  std::optional<int64_t> prior_steps;      // ≥ 2; absent: what the model recommends
  std::optional<int64_t> decoder_steps;    // ≥ 2
  std::optional<int64_t> upsampler_steps;  // ≥ 2
  std::optional<double> prior_guidance;    // ≥ 0; 1 switches it off
  std::optional<double> decoder_guidance;  // ≥ 0; 1 switches it off
  int batch_size = 1;                      // pictures computed together, ≥ 1
  DeviceChoice device;
  DtypeChoice dtype = DtypeChoice::automatic;
  bool overwrite = false;
  bool strict = false;  // a truncated prompt is an error
  bool json = false;    // one JSON object a picture on stdout instead of its path
  bool no_metadata = false;
  Verbosity verbosity = Verbosity::normal;
};

// Draws and writes all pictures; prints one line for each to `out`. Returns the exit code: ok or jobs_failed;
// throws Error for what stops the whole run.
int generate(const GenerateOptions& options, std::ostream& out);

// The model used when none is named: $UNCLIP_MODEL, else models/picturebook beside the program or its
// sources. Throws Error(model) when there is none.
std::filesystem::path default_model();

}  // namespace unclip
