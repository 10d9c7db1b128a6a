// `unclip generate` and its kin (cli/task_jobs.h): images from prompts, or from other images.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "batch/shard.h"
#include "image/contact_sheet.h"
#include "image/metadata.h"
#include "options/option_table.h"
#include "support/log.h"
#include "unclip/device_choice.h"

namespace unclip {

struct GenerateOptions {
  std::vector<std::string> prompts;                  // UTF-8, one job each
  std::vector<ImageOptions> jobs;                    // instead of prompts: of the other tasks
  std::optional<std::filesystem::path> prompt_file;  // .txt, .jsonl, .csv or - (instead of prompts)
  ImageOptions job;                                  // of every job, where its line says nothing
  std::filesystem::path model;                       // empty: the shipped model
  std::filesystem::path prior;                       // its prior's folder; empty: it stands in `model`
  std::filesystem::path save_embedding;              // stop after the prior and write this; empty: draw
  int batch_size = 1;                                // images computed together; 0: as many as fit
  DeviceChoice device;
  std::vector<DeviceChoice> devices;  // of a prompt file: a worker process for each, instead of `device`
  DtypeChoice dtype = DtypeChoice::automatic;
  bool low_memory = false;
  bool json = false;  // one JSON object an image on stdout instead of its path
  bool fail_fast = false;
  std::optional<std::filesystem::path> deny_file;  // prompts that it refuses are not drawn (batch/policy.h)
  bool skip_denied = false;                        // leave those out instead of refusing the whole run
  std::optional<Grid> grid;                        // contact sheets, too
  std::filesystem::path apng, gif;                 // animations of all images; empty: none
  std::optional<int> frame_ms;                     // how long each frame stays; absent: as BatchOptions says
  bool retry_failed = false;
  std::optional<Shard> shard;          // of a prompt file; absent: what the scheduler tells, else the whole
  std::optional<ImageMetadata> again;  // of --from's image
  Verbosity verbosity = Verbosity::normal;
};

// Draws and writes all images, or one embedding; prints one line for each to `out`. Returns the exit code:
// ok, or why images failed; throws Error for what stops the whole run.
int generate(const GenerateOptions& options, std::ostream& out);

// The folder models/NAME beside the program or its sources; empty where there is none.
std::filesystem::path bundled(const std::string& name);

// The model used when none is named: $UNCLIP_MODEL, else models/picturebook beside the program or its
// sources. Throws Error(model) when there is none.
std::filesystem::path default_model();

// The same options with the model that is meant.
template <class Options>
Options with_model(Options options) {
  if (options.model.empty()) options.model = default_model();
  return options;
}

}  // namespace unclip
