// From prompts to pictures: the one interface that the engine sees. One file a
// model family implements it (pipeline/karlo.cpp, …).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/model_folder.h"
#include "device/device.h"
#include "tokenizer/tokenizer.h"
#include "unclip/image.h"
#include "unclip/per_stage.h"
#include "unclip/sampler_kind.h"

namespace unclip {

// Denoising steps of each stage, ≥ 2: all images of a batch share them. 0: the family has no such stage;
// without the upsampler the decoder's small image is the result.
using Steps = PerStage<int64_t>;

// Classifier-free guidance scales; 1 or less on all switches guidance off, as in the reference.
using Guidance = PerStage<double>;

// What Karlo's reference takes.
inline constexpr Steps kUsualSteps{25, 25, 7};
inline constexpr Guidance kUsualGuidance{4, 8, 1};

// What the prior gives and the decoder begins with.
struct ImageEmbedding {
  std::vector<float> image;     // CLIP image embedding
  std::vector<float> negative;  // what guidance steers away from; empty in families that learn it
  std::vector<int64_t> noise;   // that the prior drew, behind which the decoder's noise begins: how many
                                // times, and the shape of each; empty: none
};

// One picture. A family refuses what it has no use for.
struct ImageRequest {
  std::string prompt;  // UTF-8
  uint64_t seed = 0;
  Guidance guidance = kUsualGuidance;
  std::string negative_prompt = {};        // guidance steers the decoder away from its embedding; empty: none
  std::string negative_prior_prompt = {};  // the same of the prior; empty: negative_prompt
  std::shared_ptr<const Image> init_image = {};          // to begin with, resized
  std::shared_ptr<const Image> mask = {};                // white is repainted; as large as init_image
  std::shared_ptr<const Image> hint = {};                // depth map, resized
  std::shared_ptr<const ImageEmbedding> embedding = {};  // instead of a prior's run
};

// What all pictures of a batch share.
struct DrawSettings {
  Steps steps = kUsualSteps;
  std::optional<SamplerKind> sampler =
      {};                     // of the decoder; absent: the one that the model's scheduler names
  int width = 0, height = 0;  // pixels, rounded up to what the model can draw; 0: the model's own size
  double strength = 0.3;      // 0…1: share of the steps that change init_image
};

// Which half of a pair of models is opened: a run that only makes or only uses embeddings needs one.
enum class PipelinePart { all, prior, decoder };

// What a model folder recommends where the user says nothing.
struct PipelineDefaults {
  Steps steps = kUsualSteps;
  Guidance guidance = kUsualGuidance;
  SamplerKind sampler = SamplerKind::unclip;  // the decoder's own

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
