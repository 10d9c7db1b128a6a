// The options that concern one job (a prompt and its pictures), and the one table that declares them. The
// command line and prompt files both read it, so a new option is one field and one entry.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace unclip {

struct PictureSize {
  int width, height;  // pixels
};

struct JobOptions {
  std::string prompt;                      // UTF-8, never empty
  std::string output;                      // file, folder or template (batch/output_name.h)
  int count = 1;                           // pictures, ≥ 1
  std::optional<uint64_t> seed;            // of the first picture; absent: the run's seed + the job's index
  std::optional<int64_t> prior_steps;      // ≥ 2; absent: what the model recommends
  std::optional<int64_t> decoder_steps;    // ≥ 2
  std::optional<int64_t> upsampler_steps;  // ≥ 2
  std::optional<double> prior_guidance;    // ≥ 0; 1 switches it off
  std::optional<double> decoder_guidance;  // ≥ 0; 1 switches it off
  std::string negative_prompt;             // what the decoder is led away from; empty: the model's own
  std::string negative_prior_prompt;       // what the prior is led away from; empty: negative_prompt
  std::string sampler;                     // of the decoder: ddim, ddpm or dpm++; empty: the model's own
  std::optional<PictureSize> size;         // absent: the model's own
  std::string init_image;                  // picture to begin with; this and the next three: a path, or empty
  std::string mask;                        // white is repainted
  std::string hint;                        // depth map
  std::string embedding;                   // instead of the prior's run
  std::optional<double> strength;          // 0…1: share of the steps that change init_image
  bool overwrite = false;                  // replace pictures that exist
  bool skip_existing = false;              // make no picture that is there and whole
  bool strict = false;                     // a truncated prompt is an error
  bool no_metadata = false;                // keep prompt and options out of the PNG
};

struct JobOption {
  enum class Kind { text, number, flag };
  std::string names;  // as CLI11 takes them: "-n,--count"; the prompt's is bare
  Kind kind;
  std::string type_name;  // of its value, in --help
  std::string help;
  std::function<void(JobOptions&, const std::string&)> read;  // throws std::invalid_argument or Error
  std::function<nlohmann::json(const JobOptions&)> tell;      // null where it is not set

  std::string name() const;  // "count", "decoder-steps"
};

const std::vector<JobOption>& job_option_table();

// By the name of its flag, with '-' or '_'; null: there is none.
const JobOption* find_job_option(std::string name);

// What no single option shows: an empty prompt, options that exclude or need each other. Throws
// std::invalid_argument; Error(io) for a file that is missing.
void check_together(const JobOptions& options);

}  // namespace unclip
