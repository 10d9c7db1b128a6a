// What can be asked of one prompt and its images. The table in options/option_table.h declares each field to
// the command line, prompt files, metadata and manifest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "unclip/per_stage.h"
#include "unclip/sampler_kind.h"

namespace unclip {

struct ImageSize {
  int width, height;  // pixels
};

struct ImageOptions {
  std::string prompt{};                        // UTF-8, never empty
  std::string output{};                        // file, folder or template (batch/output_name.h)
  int count = 1;                               // images, ≥ 1
  std::optional<uint64_t> seed{};              // of the first image; absent: the run's seed + the job's index
  PerStage<std::optional<int64_t>> steps{};    // ≥ 2; absent: what the model recommends
  PerStage<std::optional<double>> guidance{};  // ≥ 0; 1 switches it off; absent: what the model recommends
  std::string negative_prompt{};         // what guidance steers the decoder away from; empty: the model's own
  std::string negative_prior_prompt{};   // the same of the prior; empty: negative_prompt
  std::optional<SamplerKind> sampler{};  // of the decoder; absent: the model's own
  std::optional<ImageSize> size{};       // absent: the model's own
  std::string init_image{};              // image to start from; this and the next three: a path, or empty
  std::string mask{};                    // white is repainted
  std::string hint{};                    // depth map
  std::string embedding{};               // instead of the prior's run
  std::optional<double> strength{};      // 0…1: share of the steps that change init_image
  bool overwrite = false;                // replace images that exist
  bool skip_existing = false;            // make no image that is there and whole
  bool strict = false;                   // a truncated prompt is an error
  bool no_metadata = false;              // keep prompt and options out of the PNG
};

}  // namespace unclip
