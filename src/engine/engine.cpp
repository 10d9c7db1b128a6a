// Tasks → groups of one batch key → padded batches → results (see the header).
#include "engine/engine.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <bit>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <span>
#include <thread>
#include <utility>

#include "engine/model.h"
#include "engine/prompt_length.h"
#include "engine/waiting_tasks.h"
#include "support/interrupt.h"
#include "support/out_of_memory.h"

namespace unclip {
namespace {

constexpr uint64_t kLargestMeasured = 64;   // more at once gains nothing, even on a GPU
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
    changed_.wait(lock, [this] { return fault_ || queue_.size() < options_.queue; });
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
  void rethrow() const {
    if (fault_) std::rethrow_exception(fault_);
  }

  void work() {
    try {
      if (options_.patience)
        serve();
      else
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
      while (!waiting_.empty()) draw_group(waiting_.any());
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
    const auto group = sort_in(task);
    if (group == waiting_.none()) return;
    if (group->second.tasks.size() >= batch_size_) return draw_group(group);
    if (waiting_.size() == kMostWaiting) draw_group(waiting_.largest());
  }

  // None where a task is refused.
  WaitingTasks::Place sort_in(const ImageTask& task) {
    if (const auto truncated = model_.truncated_text(task.options)) {
      if (task.options.strict) {
        task.done({.error = prompt_too_long(*truncated)});
        return waiting_.none();
      }
      if (task.prompt_truncated) task.prompt_truncated(*truncated);
    }
    if (batch_size_ == 0) {
      batch_size_ =
          model_.fitting_batch(task, std::bit_ceil(std::min<uint64_t>(options_.expected, kLargestMeasured)));
      spdlog::info("automatic batch size: {}", batch_size_);
    }
    return waiting_.add(model_.batch_key(task), task);
  }

  void draw_group(WaitingTasks::Place group) {
    std::vector<ImageTask> tasks = waiting_.take(group, group->second.tasks.size());
    draw(tasks);
  }

  // ---- A server's tasks: all that came are sorted before one batch is drawn, so that each waits its turn.

  void serve() {
    while (const auto arrived = arrivals()) {
      for (ImageTask task : *arrived) surely(task, [&] { sort_in(task); });
      waiting_.drop_unwanted();
      if (const auto group = waiting_.ready(batch_size_, *options_.patience); group != waiting_.none())
        draw_some(group);
    }
  }

  // Waits for tasks, or until a batch has waited long enough. Empty when the engine ends.
  std::optional<std::deque<ImageTask>> arrivals() {
    std::unique_lock lock(mutex_);
    const auto something = [this] { return ending_ || !queue_.empty(); };
    if (waiting_.empty() && queue_.empty() && finishing_) {
      finishing_ = false;
      changed_.notify_all();
    }
    if (waiting_.empty())
      changed_.wait(lock, [&] { return something() || finishing_; });
    else if (waiting_.ready(batch_size_, *options_.patience) == waiting_.none())
      changed_.wait_until(lock, waiting_.oldest()->second.since + *options_.patience, something);
    if (ending_) return std::nullopt;
    changed_.notify_all();
    return std::exchange(queue_, {});
  }

  void draw_some(WaitingTasks::Place group) {
    std::vector<ImageTask> tasks = waiting_.take(group, batch_size_);
    const std::size_t usual = batch_size_;
    try {
      draw(tasks);
    } catch (const std::exception& fault) {
      fail_all(tasks, fault);
    }
    batch_size_ = usual;  // one request for large images shall not slow down all others
  }

  template <class Run>
  void surely(ImageTask& task, const Run& run) {
    try {
      run();
    } catch (const std::exception& fault) {
      std::vector<ImageTask> one{task};
      fail_all(one, fault);
    }
  }

  void fail_all(std::vector<ImageTask>& tasks, const std::exception& fault) {
    const auto* known = dynamic_cast<const Error*>(&fault);
    const Error error = known != nullptr ? *known : as_out_of_memory(fault).value_or(as_internal(fault));
    for (ImageTask& task : tasks) give(task, {.error = error});
  }

  // ---- Batches

  void draw(std::vector<ImageTask>& tasks) {
    for (std::size_t begin = 0; begin < tasks.size();) {
      const std::size_t count = std::min(tasks.size() - begin, batch_size_);
      if (draw_once({tasks.begin() + static_cast<std::ptrdiff_t>(begin), count})) begin += count;
    }
  }

  std::size_t padded_size(std::size_t tasks) const {
    return options_.patience ? std::min(std::bit_ceil(tasks), batch_size_) : batch_size_;
  }

  // At most batch_size_ images. False where memory ran out: the batch is smaller now, and can be tried again.
  bool draw_once(std::span<ImageTask> tasks) {
    std::vector<ImageTask> padded(tasks.begin(), tasks.end());
    padded.resize(padded_size(tasks.size()), tasks.front());
    for (std::size_t i = tasks.size(); i < padded.size(); ++i) padded[i].previews = 0;
    StageClock clock;
    std::vector<DrawnImage> images;
    std::optional<Error> fault;
    bool wanted = true;
    if (options_.batch_begins) options_.batch_begins(tasks.size());
    try {
      images = model_.draw(padded, [&](std::string_view stage, int64_t done, int64_t steps) {
        stop_if_asked();
        wanted = std::ranges::any_of(tasks, is_wanted);
        if (!wanted) throw not_wanted();
        clock.tick(stage, done);
        if (options_.observer) options_.observer(stage, done, steps);
        for (const ImageTask& task : tasks)
          if (task.progress) task.progress(stage, done, steps);
      });
    } catch (const Error& error) {
      fault = error;
    }
    // Out of the catch block, so that nothing of the failed batch is held any more.
    stop_if_asked();
    expect_unchanged_files();
    if (!fault) {
      hand_over(tasks, std::move(images), clock, padded.size());
    } else if (!wanted) {
      for (ImageTask& task : tasks) give(task, {.error = fault});
    } else if (fault->code == ExitCode::out_of_memory && padded.size() > 1) {
      batch_size_ = padded.size() / 2;
      spdlog::warn("out of memory: continuing with batch size {}", batch_size_);
      return false;
    } else if (tasks.size() > 1) {
      for (ImageTask& task : tasks)
        while (!draw_once({&task, 1})) continue;  // the fault may be one image's alone
    } else {
      give(tasks.front(), {.error = std::move(fault)});
    }
    return true;
  }

  void hand_over(std::span<ImageTask> tasks, std::vector<DrawnImage> images, const StageClock& clock,
                 std::size_t batch_size) {
    double seconds = 0;
    for (const StageTime& t : clock.stages()) {
      spdlog::debug("{}: {:.2f} s, {} steps of {:.3f} s", t.stage, t.seconds, t.steps, t.step_seconds);
      seconds += t.seconds;
    }
    for (size_t i = 0; i < tasks.size(); ++i) {
      ImageMetadata metadata = model_.describe(tasks[i], images[i], batch_size);
      if (images[i].flagged.value_or(false))
        spdlog::warn("seed {}: the model's safety checker flagged the image{}", tasks[i].seed,
                     tasks[i].options.safety_checker == SafetyCheck::on ? ", which is black now" : "");
      const std::optional<double> psnr = model_.psnr(tasks[i], images[i].image);
      give(tasks[i], {.image = std::move(images[i].image),
                      .metadata = std::move(metadata),
                      .seconds = seconds / static_cast<double>(tasks.size()),
                      .stages = clock.stages(),
                      .psnr = psnr});
    }
  }

  // A signal, or nobody is there any more who wants the image.
  void stop_if_asked() {
    if (!options_.patience) throw_if_interrupted();
    const std::lock_guard lock(mutex_);
    if (ending_) throw std::runtime_error("the engine ends");
  }

  const EngineOptions options_;
  std::size_t batch_size_;
  Model model_;
  WaitingTasks waiting_;
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
