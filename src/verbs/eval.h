// `unclip eval`: how well a model draws what the prompts ask for: shapes judged by pixels, scenes by a net.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <vector>

#include "scenes/prompts.h"
#include "support/log.h"
#include "unclip/device_choice.h"
#include "unclip/image_options.h"

namespace unclip {

enum class EvalEmbedding {
  prior,       // the prior's, as a user's image has it
  true_image,  // that of an image drawn for the prompt: what is wrong then is the decoder's fault
  none,        // the learned empty one: the caption alone
};

struct EvalOptions {
  std::filesystem::path model;                   //
  std::filesystem::path prior;                   // its prior's folder; empty: it stands in `model`
  std::vector<Row> rows;                         // empty: all
  std::optional<std::filesystem::path> prompts;  // JSON lines instead of the built-in lists
  std::filesystem::path judge;                   // of scenes, for rows and distance that need it
  std::filesystem::path usual_judge;             // instead, where `judge` is empty
  int count = 200;                               // prompts a row, of shapes seen and held out each, ≥ 1
  int seeds = 2;                                 // images a prompt, ≥ 1
  uint64_t seed = 0;                             // of the prompt lists; images count up from it
  bool upsample = false;                         // judge the final image instead of the decoder's
  ImageOptions image;  // steps, guidance, sampler; what it leaves open is the model's
  EvalEmbedding embedding = EvalEmbedding::prior;
  int frechet = 0;  // images for the Fréchet distance, ≥ 2; 0: none
  int batch_size = 16;
  std::optional<std::filesystem::path> sheet;  // PNG of the first image of each prompt, up to 16 a row
  bool overwrite = false;                      // replace it where it exists
  DeviceChoice device;
  DtypeChoice dtype = DtypeChoice::automatic;
  bool json = false;  // one JSON object a row instead of a table
  Verbosity verbosity = Verbosity::normal;
};

// Prints for each row, those of shapes for seen and held-out pairs: the score with its 95 % interval (Wilson
// 1927), the ceiling (the judge on images drawn for the prompts) and the floor (each image judged by another
// prompt). Then the Fréchet distance between images of scenes' captions and other scenes, on what the judge
// of scenes reads of them, which stays the same from one model to the next; its floor is that of two sets of
// scenes. Returns the exit code; throws Error, for options that do not go together Error(usage).
int eval(const EvalOptions& options, std::ostream& out);

}  // namespace unclip
