// A batch on the CPU in equal parts, a thread or more each.
#pragma once

#include <memory>
#include <vector>

#include "device/workers.h"
#include "pipeline/pipeline.h"

namespace unclip {

class SideBySide {
 public:
  // What pipeline.generate() gives for each part on its threads, to the bit. `observer` is called from one
  // thread at a time and hears of the first part alone, as of the whole. The pipeline must be on the CPU,
  // with all its weights in memory.
  std::vector<Image> generate(Pipeline& pipeline, const std::vector<ImageRequest>& batch,
                              const DrawSettings& settings, const Observer& observer);

 private:
  Workers& workers(int count, int threads);

  std::unique_ptr<Workers> workers_;  // as many as the last batch had parts
};

}  // namespace unclip
