// From prompts to images: the one interface that the engine sees. One file a
// model family implements it (pipeline/karlo.cpp, …).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/model_folder.h"
#include "device/device.h"
#include "tokenizer/tokenizer.h"
#include "unclip/image.h"
#include "unclip/image_options.h"
#include "unclip/observer.h"
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

// x_T of a decoder, flat: what Pipeline::invert gives.
using StartNoise = std::vector<float>;

// One image. A family refuses what it has no use for.
struct ImageRequest {
  std::string prompt{};  // UTF-8
  uint64_t seed = 0;
  Guidance guidance = kUsualGuidance;
  std::string negative_prompt = {};        // guidance steers the decoder away from its embedding; empty: none
  std::string negative_prior_prompt = {};  // the same of the prior; empty: negative_prompt
  std::shared_ptr<const Image> init_image = {};          // to begin with, resized
  std::shared_ptr<const Image> mask = {};                // white is repainted; as large as init_image
  std::shared_ptr<const Image> hint = {};                // depth map, resized
  std::shared_ptr<const ImageEmbedding> embedding = {};  // instead of a prior's run
  std::shared_ptr<const StartNoise> start = {};          // the decoder's x_T; empty: drawn from the seed
  int64_t noise_level = 0;  // timestep up to which the embedding is noised, of models that read noised ones

  // Between two texts the decoder reads `prompt` for position 0, `other_prompt` for 1, and their mixture
  // between.
  std::string other_prompt = {};
  double position = 0;
};

// Looks at images that are not finished: what the decoder takes them for after `count` of its steps, evenly
// spread.
struct Previews {
  int64_t count = 0;
  std::function<void(std::vector<Image> images)> show = {};  // one for each request
};

// What all images of a batch share.
struct DrawSettings {
  Steps steps = kUsualSteps;
  std::optional<SamplerKind> sampler =
      {};                        // of the decoder; absent: the one that the model's scheduler names
  int width = 0, height = 0;     // pixels, rounded up to what the model can draw; 0: the model's own size
  double strength = 0.3;         // 0…1: share of the steps that change init_image
  int64_t prior_candidates = 1;  // embeddings that the prior gives, of which the one nearest the text is kept
  std::optional<double> eta = {};  // 0…1: the decoder samples by DDIM with this much noise added
  bool repaint = false;            // below a mask, also by a net that has no input for one
  Previews previews = {};
};

// What of a model is opened: a run that only makes or only uses embeddings does not need all.
struct PipelineParts {
  bool prior = true;
  bool decoder = true;
  bool texts = false;          // embeddings of texts
  bool image_encoder = false;  // embeddings of images
};

// What a model folder recommends where the user says nothing.
struct PipelineDefaults {
  Steps steps = kUsualSteps;
  Guidance guidance = kUsualGuidance;
  SamplerKind sampler = SamplerKind::unclip;  // the decoder's own
  int64_t prior_candidates = 1;               // as the reference; the paper takes 2
  double strength = 0.3;                      // of init_image

  // From generation_config.json in the folder, which names them as the arguments of the reference's pipeline;
  // what it leaves out is as in `d`. Throws Error(model).
  static PipelineDefaults from(const ModelFolder& folder, PipelineDefaults d);
  static PipelineDefaults from(const Config& generation, PipelineDefaults d);
};

class Pipeline {
 public:
  // Builds the family that the folder's components make up and loads its weights. Throws Error(model) for an
  // unknown family and everything missing, unused or misshapen.
  static std::unique_ptr<Pipeline> open(const ModelFolder& folder, const DeviceAndDtype& target,
                                        PipelineParts parts = {});

  virtual ~Pipeline() = default;

  // Draws one image for each request. An image depends on its own request and `settings` alone (up to
  // rounding). On a CPU that holds all weights several threads may draw at a time. Throws Error(usage) for
  // what the family or its schedules cannot make.
  virtual std::vector<Image> generate(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                                      const Observer& observer) = 0;

  // Stops after the prior: one embedding for each request.
  virtual std::vector<ImageEmbedding> embed(const std::vector<ImageRequest>& batch,
                                            const DrawSettings& settings, const Observer& observer) = 0;

  // CLIP embeddings of images, as the decoder reads them; opened with `image_encoder`. Throws Error(usage)
  // where the model has none.
  virtual std::vector<ImageEmbedding> embed_images(const std::vector<Image>& images) = 0;

  // CLIP embeddings of texts, [B,D], in the same space; opened with `texts` or `prior`.
  virtual std::vector<std::vector<float>> embed_texts(const std::vector<std::string>& texts) = 0;

  // The noise from which DDIM draws each request's init_image again, for its embedding, guidance and the
  // settings' steps.
  virtual std::vector<StartNoise> invert(const std::vector<ImageRequest>& batch, const DrawSettings& settings,
                                         const Observer& observer) = 0;

  // Width and height of what generate() gives.
  virtual ImageSize image_size(const DrawSettings& settings) const = 0;

  // What reads the prompt first; nullptr where the open part reads none.
  virtual const Tokenizer* tokenizer() const = 0;
  virtual PipelineDefaults defaults() const = 0;
};

}  // namespace unclip
