// The opened model, at the service of whoever wants images: a batch, `verify`, `eval`. Tasks of any prompts,
// seeds and options come in; those that may share a batch are drawn together.
//
// One worker thread owns the model and takes tasks from a queue. A batch always has the chosen size (the last
// ones are padded), so that kernels see the same shapes and an image's bytes do not depend on its neighbors.
// A server's batches are padded to a power of two instead: who is alone shall not wait for images that nobody
// wants. Torch-free, so that planning can be tested with an engine that draws nothing.
#pragma once

#include <chrono>
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

  // All are called on the worker's thread. What they throw ends the engine.
  std::function<void(ImageResult)> done = {};                          // once
  std::function<void(const std::string& text)> prompt_truncated = {};  // the end that the model does not read
  Observer progress = {};                                              // of the batch that draws it
  int previews = 0;  // at most so many, of the decoder at work
  std::function<void(Image)> preview = {};
  // Asked before a batch and at each of its steps, also for tasks that wait. Without any that is wanted a
  // batch ends at its next step; its tasks are done with Error(interrupted). Empty: it always is.
  std::function<bool()> wanted = {};
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

  // Of a server, which has no last task: how long a batch that is not full waits for more; a fault, also of
  // changed files, is its tasks' alone; and a signal is the caller's to follow. Absent: batches wait for
  // finish().
  std::optional<std::chrono::milliseconds> patience{};
  std::size_t queue =
      64;  // tasks for which submit() does not wait: enough that the worker never waits for them
  std::function<void(std::size_t images)> batch_begins =
      {};  // on the worker's thread; without those that pad it
};

// Throws Error as Pipeline::open and select_device do.
std::unique_ptr<Engine> open_engine(const ModelChoice& model, EngineOptions options);

}  // namespace unclip
