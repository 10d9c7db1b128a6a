// Tasks → groups of one batch key → padded batches → results (see the header).
#include "engine/engine.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <bit>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include "engine/model.h"
#include "engine/prompt_length.h"
#include "support/interrupt.h"

namespace unclip {
namespace {

constexpr uint64_t kLargestMeasured = 64;   // more at once gains nothing
constexpr std::size_t kLongestQueue = 64;   // tasks: enough that the worker never waits for them
constexpr std::size_t kMostWaiting = 4096;  // tasks: beyond them a batch is drawn that is not full

class ModelEngine final : public Engine {
 public:
  ModelEngine(const ModelChoice& choice, EngineOptions options)
      : options_(std::move(options)),
        batch_size_(options_.batch_size),
        model_(choice, options_.use),
        thread_([this] { work(); }) {}

  ~ModelEngine() override {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  void submit(ImageTask task) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return fault_ || queue_.size() < kLongestQueue; });
    rethrow();
    queue_.push_back(std::move(task));
    changed_.notify_all();
  }

  void finish() override {
    std::unique_lock lock(mutex_);
    finishing_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return fault_ || !finishing_; });
    rethrow();
  }

 private:
  using Groups = std::map<std::string, std::vector<ImageTask>>;  // by batch key

  void rethrow() const {
    if (fault_) std::rethrow_exception(fault_);
  }

  void work() {
    try {
      while (const auto task = next()) add(*task);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      fault_ = std::current_exception();
    }
    changed_.notify_all();
  }

  // Empty when the engine ends. Where nothing more comes for now, what waits is drawn first.
  std::optional<ImageTask> next() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return ending_ || finishing_ || !queue_.empty(); });
      if (ending_) return std::nullopt;
      if (!queue_.empty()) break;
      lock.unlock();
      while (!waiting_.empty()) draw_waiting(waiting_.begin());
      lock.lock();
      finishing_ = !queue_.empty();
      changed_.notify_all();
    }
    ImageTask task = std::move(queue_.front());
    queue_.pop_front();
    changed_.notify_all();
    return task;
  }

  void add(const ImageTask& task) {
    throw_if_interrupted();
    if (const auto truncated = model_.truncated_text(task.options)) {
      if (task.options.strict) return task.done({.error = prompt_too_long(*truncated)});
      if (task.prompt_truncated) task.prompt_truncated(*truncated);
    }
    if (batch_size_ == 0) {
      batch_size_ =
          model_.fitting_batch(task, std::bit_ceil(std::min<uint64_t>(options_.expected, kLargestMeasured)));
      spdlog::info("automatic batch size: {}", batch_size_);
    }
    const auto group = waiting_.try_emplace(model_.batch_key(task)).first;
    group->second.push_back(task);
    ++waiting_tasks_;
    if (group->second.size() >= batch_size_) return draw_waiting(group);
    const auto size = [](const auto& entry) { return entry.second.size(); };
    if (waiting_tasks_ == kMostWaiting) draw_waiting(std::ranges::max_element(waiting_, {}, size));
  }

  void draw_waiting(Groups::iterator group) {
    waiting_tasks_ -= group->second.size();
    draw(std::move(waiting_.extract(group).mapped()));
  }

  void draw(std::vector<ImageTask> tasks) {
    while (!tasks.empty()) {
      const auto end = tasks.begin() + static_cast<std::ptrdiff_t>(std::min(tasks.size(), batch_size_));
      if (draw_once({tasks.begin(), end})) tasks.erase(tasks.begin(), end);
    }
  }

  // At most batch_size_ images. False where memory ran out: the batch is smaller now, and can be tried again.
  bool draw_once(const std::vector<ImageTask>& tasks) {
    std::vector<ImageTask> padded = tasks;
    padded.resize(batch_size_, tasks.front());
    StageClock clock;
    std::vector<Image> images;
    std::optional<Error> fault;
    try {
      images = model_.draw(padded, [&](std::string_view stage, int64_t done, int64_t steps) {
        stop_if_asked();
        clock.tick(stage, done);
        if (options_.observer) options_.observer(stage, done, steps);
      });
    } catch (const Error& error) {
      fault = error;
    }
    // Out of the catch block, so that nothing of the failed batch is held any more.
    stop_if_asked();
    expect_unchanged_files();
    if (!fault) {
      hand_over(tasks, std::move(images), clock);
    } else if (fault->code == ExitCode::out_of_memory && batch_size_ > 1) {
      batch_size_ /= 2;
      spdlog::warn("out of memory: continuing with batch size {}", batch_size_);
      return false;
    } else if (tasks.size() > 1) {
      for (const ImageTask& task : tasks) draw({task});  // the fault may be one image's alone
    } else {
      tasks.front().done({.error = std::move(fault)});
    }
    return true;
  }

  void hand_over(const std::vector<ImageTask>& tasks, std::vector<Image> images, const StageClock& clock) {
    double seconds = 0;
    for (const StageTime& t : clock.stages()) {
      spdlog::debug("{}: {:.2f} s, {} steps of {:.3f} s", t.stage, t.seconds, t.steps, t.step_seconds);
      seconds += t.seconds;
    }
    for (size_t i = 0; i < tasks.size(); ++i) {
      ImageMetadata metadata = model_.describe(tasks[i], images[i], batch_size_);
      const std::optional<double> psnr = model_.psnr(tasks[i], images[i]);
      tasks[i].done({.image = std::move(images[i]),
                     .metadata = std::move(metadata),
                     .seconds = seconds / static_cast<double>(tasks.size()),
                     .stages = clock.stages(),
                     .psnr = psnr});
    }
  }

  // A signal, or nobody is there any more who wants the image.
  void stop_if_asked() {
    throw_if_interrupted();
    const std::lock_guard lock(mutex_);
    if (ending_) throw std::runtime_error("the engine ends");
  }

  const EngineOptions options_;
  std::size_t batch_size_;
  Model model_;
  Groups waiting_;
  std::size_t waiting_tasks_ = 0;
  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::deque<ImageTask> queue_;
  bool finishing_ = false, ending_ = false;
  std::exception_ptr fault_;
  std::thread thread_;  // last: it uses all others
};

}  // namespace

std::unique_ptr<Engine> open_engine(const ModelChoice& model, EngineOptions options) {
  return std::make_unique<ModelEngine>(model, std::move(options));
}

}  // namespace unclip
