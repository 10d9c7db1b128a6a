// What the loop asks of a stage: which nets it trains, which images it wants, and its loss.
#pragma once

#include <torch/nn/module.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "device/device.h"
#include "device/hand_over.h"
#include "train/loader.h"
#include "train/optimizer.h"
#include "train/recipe.h"
#include "unclip/image.h"

namespace unclip {

// What all stages share.
struct TrainContext {
  const Recipe& recipe;
  DeviceAndDtype target;
  std::filesystem::path model;  // the model folder that grows stage by stage; frozen nets come from it
  std::shared_ptr<const ImageSource> source;
  std::shared_ptr<const Tokenizer> tokenizer;  // null for the judge alone
};

// A net in training and the folders of the model that it is exported to.
struct TrainedNet {
  std::vector<std::string> components;
  std::shared_ptr<torch::nn::Module> module;
};

class Stage {
 public:
  virtual ~Stage() = default;

  virtual std::string name() const = 0;
  virtual std::vector<TrainedNet> nets() const = 0;

  // Tensors that the optimizer updates, under names that are unique in the stage; all others of the nets
  // stay.
  virtual std::vector<NamedTensor> parameters() const;

  // Once, before a training run that begins at random weights: what these owe to the images.
  virtual void begin() {}

  // Once, at the end of a training run that began at random weights, when the nets show the averaged weights:
  // a last change to these, by name, before they are exported, or a last look. Replaces tensors, never writes
  // into them.
  virtual void finish(std::map<std::string, torch::Tensor>& averaged) { (void)averaged; }

  // Before each training run, when the nets hold the weights to start from.
  virtual void prepare() {}

  // Of a replica: takes over what prepare() made in the first one.
  virtual void share(const Stage& first) { (void)first; }

  // Pixels a side of the images that loss() wants.
  virtual int image_size(const Phase& phase) const = 0;
  virtual bool wants_text() const { return true; }

  // False where loss() brings its own examples: batches are counted then, and hold nothing.
  virtual bool wants_images() const { return true; }

  // Of one micro-batch, float32 []. All random draws come from `chance`, which the loop seeds for each
  // micro-batch; on threads of its own each replica of the stage computes one.
  virtual torch::Tensor loss(const Batch& batch, const Phase& phase, const at::Generator& chance) = 0;

  // A sheet to look at, drawn with the weights that the nets show; empty where there is nothing to see.
  virtual std::optional<Image> sample_sheet(const Phase&) { return {}; }
};

using StageMaker = std::unique_ptr<Stage> (*)(const TrainContext&);
std::unique_ptr<Stage> make_clip_stage(const TrainContext& context);
std::unique_ptr<Stage> make_prior_stage(const TrainContext& context);
std::unique_ptr<Stage> make_decoder_stage(const TrainContext& context);
std::unique_ptr<Stage> make_upsampler_stage(const TrainContext& context);
std::unique_ptr<Stage> make_judge_stage(const TrainContext& context);

struct NamedStage {
  const char* name;
  StageMaker make;
};

// In the order in which they build on each other; the judge stands alone.
constexpr NamedStage kStages[] = {{"clip", make_clip_stage},
                                  {"prior", make_prior_stage},
                                  {"decoder", make_decoder_stage},
                                  {"upsampler", make_upsampler_stage},
                                  {"judge", make_judge_stage}};

// All tensors of the stage's nets, under the names of parameters().
std::vector<NamedTensor> all_tensors(const Stage& stage);

// Those that no optimizer updates, e.g. the prior's statistics.
std::vector<NamedTensor> fixed_tensors(const Stage& stage);

// Nets are made on the CPU, whose draws are the same everywhere; from here on they are on `device`.
void move_to(const Stage& stage, torch::Device device);

// Fills a new net at random: layers as they do it themselves, tables and bare tensors normal with σ = 0.02.
void initialize(torch::nn::Module& module);

// On the CPU a generator of its own; a GPU, which has but one replica, uses its default one.
at::Generator seeded_generator(torch::Device device, uint64_t seed);

// For draws that the CPU needs: `chance` itself, or where that is a GPU's a generator of its seed.
at::Generator on_host(const at::Generator& chance);

// uint8 images → −1 … 1 in `target`'s dtype and device, channels-last.
torch::Tensor to_unit_range(const torch::Tensor& images, const DeviceAndDtype& target);

}  // namespace unclip
