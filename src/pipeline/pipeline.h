// From prompts to pictures: the one interface that the batch, the command line and `eval` see. One file a
// model family implements it (pipeline/karlo.cpp, …).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/model_folder.h"
#include "device/device.h"
#include "image/image.h"
#include "tokenizer/tokenizer.h"

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

// What turns noise into a picture in the decoder. Prior and upsampler keep their own.
enum class SamplerChoice {
  own,         // the one that the model's scheduler names
  ddim,        // no noise added on the way
  ddpm,        // ancestral
  dpm_solver,  // DPM-Solver++(2M), for fewer steps
};

// What the prior gives and the decoder begins with.
struct ImageEmbedding {
  std::vector<float> image;     // CLIP image embedding
  std::vector<float> negative;  // what guidance leads away from; empty in families that learn it
  std::vector<int64_t> noise;   // that the prior drew, behind which the decoder's noise begins: how many
                                // times, and the shape of each; empty: none
};

// One picture. A family refuses what it has no use for.
struct ImageRequest {
  std::string prompt;  // UTF-8
  uint64_t seed = 0;
  Guidance guidance = {};
  std::string negative_prompt = {};        // its embedding is what the decoder is led away from; empty: none
  std::string negative_prior_prompt = {};  // what the prior is led away from; empty: negative_prompt
  std::shared_ptr<const Image> init_image = {};          // to begin with, resized
  std::shared_ptr<const Image> mask = {};                // white is repainted; as large as init_image
  std::shared_ptr<const Image> hint = {};                // depth map, resized
  std::shared_ptr<const ImageEmbedding> embedding = {};  // instead of a prior's run
};

// What all pictures of a batch share.
struct DrawSettings {
  Steps steps = {};
  SamplerChoice sampler = SamplerChoice::own;
  int width = 0, height = 0;  // pixels, rounded up to what the model can draw; 0: the model's own size
  double strength = 0.3;      // 0…1: share of the steps that change init_image
};

// Which half of a pair of models is opened: a run that only makes or only uses embeddings needs one.
enum class PipelinePart { all, prior, decoder };

// What a model folder recommends where the user says nothing.
struct PipelineDefaults {
  Steps steps = {};
  Guidance guidance = {};
  std::string sampler = "unclip";  // the decoder's own: that, ddim, ddpm or dpm++

  // From generation_config.json in the folder, which names them as the arguments of the reference's pipeline;
  // what it leaves out is as in `d`. Throws Error(model).
  static PipelineDefaults from(const ModelFolder& folder, PipelineDefaults d);
};

// Called when a stage begins (done = 0) and after each of its steps; may throw, to stop.
using StageObserver = std::function<void(std::string_view stage, int64_t done, int64_t steps)>;

class Pipeline {
 public:
  // Builds the family that the folder's components make up and loads its weights. Throws Error(model) for an
  // unknown family and everything missing, unused or misshapen.
  static std::unique_ptr<Pipeline> open(const ModelFolder& folder, const DeviceAndDtype& target,
                                        PipelinePart part = PipelinePart::all);

  virtual ~Pipeline() = default;

  // Draws one picture for each request. A picture depends on its own request and `settings` alone (up to
  // rounding). Throws Error(usage) for what the family or its schedules cannot make.
  virtual std::vector<Image> generate(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                                      const StageObserver& observer) = 0;

  // Stops after the prior: one embedding for each request.
  virtual std::vector<ImageEmbedding> embed(const std::vector<ImageRequest>& batch,
                                            const DrawSettings& settings, const StageObserver& observer) = 0;

  // What reads the prompt first; nullptr where the open part reads none.
  virtual const Tokenizer* tokenizer() const = 0;
  virtual PipelineDefaults defaults() const = 0;
};

}  // namespace unclip
