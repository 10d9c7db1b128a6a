// The loader's speed (see the header).
#include "train/bench_loader.h"

#include <chrono>
#include <cmath>

#include "support/interrupt.h"
#include "support/seconds_since.h"

namespace unclip {
namespace {

constexpr double kSecondsEach = 0.5;
constexpr int64_t kLeastBatches = 2, kMostBatches = 10'000;  // of a thread

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return seconds_since(start);
}

// Exactly `batches` are drawn, the images from `first` on: no thread works on what is not counted.
void draw(const Tokenizer* tokenizer, BatchPlan first, int64_t batches, int threads) {
  int64_t planned = 0;
  Loader loader(
      tokenizer,
      [&]() -> std::optional<BatchPlan> {
        if (planned == batches) return {};
        BatchPlan plan = first;
        plan.first += static_cast<uint64_t>(planned++ * plan.count);
        return plan;
      },
      threads);
  for (int64_t i = 0; i < batches; ++i) {
    throw_if_interrupted();
    loader.next();
  }
}

}  // namespace

std::vector<LoaderSpeed> bench_loader(StageMaker make, const TrainContext& context,
                                      const LoopOptions& options, int most_threads) {
  const std::unique_ptr<Stage> stage = make(context);
  if (!stage->wants_images()) return {};
  const StageRecipe& recipe = context.recipe.stage(stage->name());
  const Phase& phase = recipe.phases.front();
  const auto source = make_source(phase.scenes, options.data, /*captioned_only=*/false);
  const BatchPlan batch{source.get(), 0, recipe.images_of_part(phase), stage->image_size(phase)};
  const Tokenizer* tokenizer = stage->wants_text() ? context.tokenizer.get() : nullptr;
  draw(tokenizer, batch, 1, 1);  // first uses of libraries
  const double once = seconds_of([&] { draw(tokenizer, batch, 1, 1); });
  const auto each =
      std::clamp(static_cast<int64_t>(std::ceil(kSecondsEach / once)), kLeastBatches, kMostBatches);
  std::vector<LoaderSpeed> speeds;
  for (int threads = 1; threads <= most_threads;
       threads = threads == most_threads ? most_threads + 1 : std::min(2 * threads, most_threads)) {
    const int64_t batches = each * threads;
    const double seconds = seconds_of([&] { draw(tokenizer, batch, batches, threads); });
    speeds.push_back({threads, static_cast<double>(batches * batch.count) / seconds});
  }
  return speeds;
}

}  // namespace unclip
