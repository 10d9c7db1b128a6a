// How many images a second the loader draws by itself: what a GPU is fed with at most.
#pragma once

#include <vector>

#include "train/loop.h"

namespace unclip {

struct LoaderSpeed {
  int threads = 0;
  double images_per_second = 0;
};

// With 1, 2, 4, … and `most_threads` threads, in micro-batches of the stage's first phase; about half a
// second each. Empty for a stage that wants no images.
std::vector<LoaderSpeed> bench_loader(StageMaker make, const TrainContext& context,
                                      const LoopOptions& options, int most_threads);

}  // namespace unclip
