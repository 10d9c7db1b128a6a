// An engine for the server's tests: a thread that paints each image in one color, which its seed tells, in as
// many steps and as slowly as a test wants.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "engine/engine.h"

namespace unclip {

class PaintingEngine final : public Engine {
 public:
  PaintingEngine() : thread_([this] { work(); }) {}
  ~PaintingEngine() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void submit(ImageTask task) override {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
    changed_.notify_all();
  }
  void finish() override {}

  std::atomic<int> steps = 2, step_milliseconds = 0;
  std::atomic<int> begun = 0, painted = 0, dropped = 0;

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const ImageTask task = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      paint(task);
      lock.lock();
    }
  }

  void paint(const ImageTask& task) {
    for (int step = 0; step < steps; ++step) {
      if (!task.wanted()) {
        ++dropped;
        return task.done({.error = Error(ExitCode::interrupted, "canceled")});
      }
      if (step == 0) ++begun;
      task.progress("decoder", step, steps);
      std::this_thread::sleep_for(std::chrono::milliseconds(step_milliseconds));
      if (step < task.previews) task.preview({8, 8, 3, std::vector<uint8_t>(192, 128)});
    }
    if (task.options.prompt == "crash")
      return task.done({.error = Error(ExitCode::internal, "secret inside, /tmp/secret")});
    ImageResult result{.image = {8, 8, 3, std::vector<uint8_t>(192, static_cast<uint8_t>(task.seed))}};
    result.metadata.prompt = task.options.prompt;
    result.metadata.seed = task.seed;
    if (!task.options.image.empty()) result.metadata.options["image"] = task.options.image;
    ++painted;
    task.done(std::move(result));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ImageTask> queue_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace unclip
