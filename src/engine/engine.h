// The opened model, at the service of whoever wants images: a batch, `verify`, `eval`. Tasks of any prompts,
// seeds and options come in; those that may share a batch are drawn together.
//
// One worker thread owns the model and takes tasks from a queue. A batch always has the chosen size (the last
// ones are padded), so that kernels see the same shapes and an image's bytes do not depend on its neighbors.
// Torch-free, so that planning can be tested with an engine that draws nothing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/metadata.h"
#include "options/model_use.h"
#include "support/stage_clock.h"
#include "unclip/error.h"
#include "unclip/generator.h"
#include "unclip/image.h"
#include "unclip/image_options.h"

namespace unclip {

struct ImageEmbedding;

struct ImageResult {
  std::optional<Error> error{};  // why there is no image
  Image image{};
  ImageMetadata metadata{};
  double seconds = 0;               // of computing: its share of the batch
  std::vector<StageTime> stages{};  // of the whole batch
  std::optional<double> psnr{};     // of a reconstruction against its image, dB
};

struct ImageTask {
  ImageOptions options;  // `count`, `seed` and what is of the output's scope are not looked at
  uint64_t seed = 0;
  std::shared_ptr<const ImageEmbedding> embedding{};  // instead of the prior's run and of options.embedding

  // Both are called on the worker's thread. What they throw ends the engine.
  std::function<void(ImageResult)> done = {};                          // once
  std::function<void(const std::string& text)> prompt_truncated = {};  // the end that the model does not read
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Waits while the queue is full. Throws what ended the worker: an interruption, changed weights, what
  // `done` threw.
  virtual void submit(ImageTask task) = 0;

  // Waits until all that was submitted is done, the last batches padded. Throws as submit().
  virtual void finish() = 0;
};

struct EngineOptions {
  std::size_t batch_size = 1;      // images drawn together; 0: as many as fit into memory
  uint64_t expected = 1;           // images, so that no larger batch is tried
  ModelUse use = {.prior = true};  // what the tasks need; the rest is not opened

  Observer observer = {};  // on the worker's thread
};

// Throws Error as Pipeline::open and select_device do.
std::unique_ptr<Engine> open_engine(const ModelChoice& model, EngineOptions options);

}  // namespace unclip
