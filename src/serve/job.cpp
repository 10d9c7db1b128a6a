// A call's tasks (see the header). All but start(), wait() and take() happens on the engine's thread.
#include "serve/job.h"

namespace unclip {

template <class Apply>
void ImageJob::change(const Apply& apply) {
  {
    const std::lock_guard lock(mutex_);
    apply();
    ++state_.news;
  }
  changed_.notify_all();
}

std::shared_ptr<ImageJob> ImageJob::start(Engine& engine, const ImageOptions& options, int previews,
                                          const std::shared_ptr<void>& keeps) {
  const std::shared_ptr<ImageJob> job(new ImageJob(options.count));
  for (int i = 0; i < options.count; ++i) {
    ImageTask task{.options = options, .seed = options.seed.value_or(0) + static_cast<uint64_t>(i)};
    task.done = [job, keeps, i](ImageResult result) {
      job->change([&] {
        job->results_[static_cast<std::size_t>(i)] = std::move(result);
        ++job->state_.finished;
      });
    };
    task.prompt_truncated = [job](const std::string& text) {
      job->change([&] { job->state_.truncated = text; });
    };
    task.progress = [job](std::string_view stage, int64_t done, int64_t steps) {
      job->change([&] {
        job->state_.stage = stage;
        job->state_.done = done;
        job->state_.steps = steps;
      });
    };
    task.previews = previews;
    task.preview = [job, i](Image image) {
      job->change([&] { job->previews_[static_cast<std::size_t>(i)] = std::move(image); });
    };
    task.wanted = [job] { return job->wanted_.load(); };
    engine.submit(std::move(task));
  }
  return job;
}

ImageJobState ImageJob::wait(uint64_t known, std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, most, [&] { return state_.news > known; });
  return state_;
}

std::optional<ImageResult> ImageJob::take(int index) {
  const std::lock_guard lock(mutex_);
  return std::exchange(results_[static_cast<std::size_t>(index)], std::nullopt);
}

std::optional<Image> ImageJob::take_preview(int index) {
  const std::lock_guard lock(mutex_);
  return std::exchange(previews_[static_cast<std::size_t>(index)], std::nullopt);
}

}  // namespace unclip
