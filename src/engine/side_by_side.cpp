// Parts → workers → images in their order (see the header).
#include "engine/side_by_side.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <iterator>
#include <mutex>
#include <stdexcept>

namespace unclip {
namespace {

// Equal parts, so that kernels see the same shapes wherever in a batch an image stands.
int equal_parts(std::size_t images, int threads) {
  int parts = threads;
  while (images % static_cast<std::size_t>(parts) != 0) --parts;
  return parts;
}

}  // namespace

Workers& SideBySide::workers(int count, int threads) {
  if (!workers_ || workers_->count() != count) workers_ = std::make_unique<Workers>(count, threads / count);
  return *workers_;
}

std::vector<Image> SideBySide::generate(Pipeline& pipeline, const std::vector<ImageRequest>& batch,
                                        const DrawSettings& settings, const Observer& observer) {
  const int threads = at::get_num_threads(), parts = equal_parts(batch.size(), threads);
  // Previews show all images of a batch at a time.
  if (parts == 1 || settings.previews.count > 0) return pipeline.generate(batch, settings, observer);
  const auto size = static_cast<std::ptrdiff_t>(batch.size()) / parts;
  std::vector<std::vector<Image>> drawn(static_cast<std::size_t>(parts));
  std::mutex mutex;
  std::exception_ptr fault;  // of the part that failed first; the others stop at their next step
  std::atomic<bool> failed = false;
  workers(parts, threads).run(parts, [&](int part) {
    const auto watch = [&](std::string_view stage, int64_t done, int64_t steps) {
      if (failed) throw std::runtime_error("another part of the batch failed");
      if (part == 0) observer(stage, done, steps);
    };
    try {
      const auto first = batch.begin() + part * size;
      drawn[static_cast<std::size_t>(part)] = pipeline.generate({first, first + size}, settings, watch);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!fault) fault = std::current_exception();
      failed = true;
    }
  });
  if (fault) std::rethrow_exception(fault);
  std::vector<Image> images;
  for (std::vector<Image>& part : drawn) std::ranges::move(part, std::back_inserter(images));
  return images;
}

}  // namespace unclip
