// What can be asked of one prompt and its images. The table in options/option_table.h declares each field to
// the command line, prompt files, metadata and manifest.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "unclip/per_stage.h"
#include "unclip/sampler_kind.h"

namespace unclip {

struct ImageSize {
  int width, height;  // pixels
  bool operator==(const ImageSize&) const = default;
};

// What is made of an image or a text: unCLIP, section 3.
enum class Task {
  generate,     // an image from a prompt
  variations,   // images with the same CLIP embedding as `image`
  edit,         // `image`, repainted below a mask
  interpolate,  // between the embeddings of `source` and `target`
  textdiff,     // `image`, moved along the difference of `from_text` and `to_text`
  reconstruct,  // `image`, taken to noise and back
};

// What becomes of an image that the model's own safety checker flags.
enum class SafetyCheck {
  off,     // the checker is not loaded
  on,      // a black image takes its place
  report,  // it is marked in metadata, JSON and manifest
};

// A low-rank change of the weights (Hu et al. 2021, arXiv:2106.09685).
struct LoraFile {
  std::string file{};  // a path: safetensors with the keys of diffusers, PEFT or kohya
  double scale = 1;    // how much of it

  auto operator<=>(const LoraFile&) const = default;
};

// Pixels by which an image's canvas is enlarged.
struct Margins {
  int left = 0, top = 0, right = 0, bottom = 0;
};

// Of a frame where nothing else is asked for.
inline constexpr double kUsualPosition = 0.5, kUsualTheta = 0.25;

struct ImageOptions {
  Task task = Task::generate;
  std::string prompt{};                        // UTF-8; never empty where the task needs one
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
  std::optional<int> prior_candidates{};  // ≥ 1: embeddings of which the one nearest the prompt is kept;
                                          // absent: what the model recommends
  std::optional<int> noise_level{};       // 0…1000: noise on the image embedding; absent: 0
  std::vector<LoraFile> loras{};          // merged into the weights, in this order
  std::string image{};                    // a path: what a task other than generate starts from
  std::string from_text{}, to_text{};     // textdiff: what the image shows, and what it should
  std::string source{}, target{};         // interpolate: "text:…" or "image:PATH"
  std::optional<double> position{};       // interpolate: 0 (source) … 1 (target); absent: 0.5
  std::optional<double> theta{};          // textdiff: 0…1, share of the way to the difference; absent: 0.25
  std::optional<double> eta{};  // variations: 0 (rebuilds the image) … 1 (far from it); absent: new noise
  bool interpolate_noise = false;     // interpolate: between the noise of two images as well
  std::optional<int> components{};    // reconstruct: principal components of the embedding that are kept
  std::optional<Margins> outpaint{};  // edit: canvas added around the image
  std::optional<int> feather{};       // edit: pixels over which the repainted part fades in within the mask
  std::optional<SafetyCheck> safety_checker{};  // absent: report, of models that have one
  bool overwrite = false;                       // replace images that exist
  bool skip_existing = false;                   // make no image that is there and whole
  bool strict = false;                          // a truncated prompt is an error
  bool no_metadata = false;                     // keep prompt and options out of the PNG
};

}  // namespace unclip
