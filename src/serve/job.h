// The images of one call on their way through the engine.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace unclip {

struct ImageJobState {
  std::string stage{};  // empty: no batch has begun
  int64_t done = 0, steps = 0;
  int finished = 0;         // images
  std::string truncated{};  // the end of the prompt that the model does not read
  uint64_t news = 0;        // grows with each change
};

class ImageJob {
 public:
  // Gives `options.count` tasks to the engine, with seeds from `options.seed` on. `previews`: of each image
  // at work. `keeps`: what must live until the last task is done, even if nobody waits for it any more.
  static std::shared_ptr<ImageJob> start(Engine& engine, const ImageOptions& options, int previews,
                                         const std::shared_ptr<void>& keeps);

  // Waits until there is more news than `known`, at most so long.
  ImageJobState wait(uint64_t known, std::chrono::milliseconds most);

  // The image of seed + index. Empty where it is not there yet, or was taken.
  std::optional<ImageResult> take(int index);

  // The same of the newest preview.
  std::optional<Image> take_preview(int index);

  int count() const { return static_cast<int>(results_.size()); }

  // Its tasks end at the next step.
  void cancel() { wanted_ = false; }

 private:
  explicit ImageJob(int count)
      : results_(static_cast<std::size_t>(count)), previews_(static_cast<std::size_t>(count)) {}

  template <class Apply>
  void change(const Apply& apply);

  std::atomic<bool> wanted_ = true;
  std::mutex mutex_;
  std::condition_variable changed_;
  ImageJobState state_;
  std::vector<std::optional<ImageResult>> results_;
  std::vector<std::optional<Image>> previews_;
};

}  // namespace unclip
