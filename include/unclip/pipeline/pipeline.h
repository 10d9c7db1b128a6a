// From prompts to pictures: the one interface that the batch, the command line and `eval` see. One file a
// model family implements it (pipeline/karlo.cpp, …).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "unclip/checkpoint/model_folder.h"
#include "unclip/device/device.h"
#include "unclip/image/image.h"
#include "unclip/tokenizer/tokenizer.h"

namespace unclip {

// Denoising steps of each stage, ≥ 2 each: all pictures of a batch share them.
struct Steps {
  int64_t prior = 25;
  int64_t decoder = 25;
  int64_t upsampler = 7;  // 0: the decoder's small picture is the result
};

// Classifier-free guidance scales; 1 or less on both switches guidance off, as in the reference.
struct Guidance {
  double prior = 4.0;
  double decoder = 8.0;
};

// One picture.
struct PictureRequest {
  std::string prompt;  // UTF-8
  uint64_t seed = 0;
  Guidance guidance;
};

// What a model folder recommends where the user says nothing.
struct PipelineDefaults {
  Steps steps;
  Guidance guidance;

  // From generation_config.json in the folder, which names them as the arguments of the reference's pipeline;
  // what it leaves out is as in the reference. Throws Error(model).
  static PipelineDefaults from(const ModelFolder& folder);
};

// Called when a stage begins (done = 0) and after each of its steps; may throw, to stop.
using StageObserver = std::function<void(std::string_view stage, int64_t done, int64_t steps)>;

class Pipeline {
 public:
  // Builds the family that the folder's components make up and loads its weights. Throws Error(model) for an
  // unknown family and everything missing, unused or misshapen.
  static std::unique_ptr<Pipeline> open(const ModelFolder& folder, const Placement& placement);

  virtual ~Pipeline() = default;

  // Draws one picture for each request. A picture depends on its own request and `steps` alone (up to
  // rounding). Throws Error(usage) for step counts that the schedules cannot make.
  virtual std::vector<Image> generate(const std::vector<PictureRequest>& batch, const Steps& steps,
                                      const StageObserver& observer) = 0;

  virtual const Tokenizer& tokenizer() const = 0;
  virtual PipelineDefaults defaults() const = 0;
};

}  // namespace unclip
