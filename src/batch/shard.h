// The part of a run that this process makes: every N-th image. Index, seed and name are those of the whole
// run, so N shards together make what one run makes.
#pragma once

#include <cstdint>
#include <string>

namespace unclip {

struct Shard {
  uint64_t index = 0;  // from 0
  uint64_t count = 1;

  bool holds(uint64_t image) const { return image % count == index; }
};

// "2/8", or "/8" where a scheduler tells which one this is (Slurm, Kubernetes, GNU parallel). Throws
// std::invalid_argument.
Shard parse_shard(const std::string& text);

// What Slurm tells of this task: one of an array, of `srun`, or both; the whole without Slurm. Throws
// Error(usage) where a scheduler tells which task this is but not of how many.
Shard shard_of_scheduler();

}  // namespace unclip
