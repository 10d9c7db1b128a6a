// Schedulers' environments → shard (see the header).
#include "batch/shard.h"

#include <cstdlib>
#include <optional>

#include "support/number.h"
#include "unclip/error.h"

namespace unclip {
namespace {

std::optional<uint64_t> variable(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  try {
    return parse_number<uint64_t>(text, 0, UINT64_MAX);
  } catch (const std::invalid_argument& fault) {
    throw Error(ExitCode::usage, std::string(name) + ": " + fault.what(), "pass --shard i/N");
  }
}

// The tasks of one `srun`. Outside of one, as in a batch script, there is a single task.
Shard step_of_srun() {
  const auto tasks = variable("SLURM_STEP_NUM_TASKS");
  return tasks ? Shard{variable("SLURM_PROCID").value_or(0), *tasks} : Shard{};
}

// Of the whole run of `count` shards, the one that a scheduler means.
std::optional<uint64_t> index_of_scheduler() {
  const Shard step = step_of_srun();
  if (const auto task = variable("SLURM_ARRAY_TASK_ID")) return *task * step.count + step.index;
  if (step.count > 1) return step.index;
  if (const auto index = variable("JOB_COMPLETION_INDEX")) return index;
  if (const auto number = variable("PARALLEL_SEQ")) return *number - 1;
  return std::nullopt;
}

}  // namespace

Shard parse_shard(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos)
    throw std::invalid_argument("expected i/N, or /N under a scheduler, found \"" + excerpt(text) + "\"");
  Shard shard;
  shard.count = parse_number<uint64_t>(text.substr(slash + 1), 1, 1'000'000);
  if (slash > 0) {
    shard.index = parse_number<uint64_t>(text.substr(0, slash), 0, shard.count - 1);
    return shard;
  }
  const auto index = index_of_scheduler();
  if (!index || *index >= shard.count)
    throw std::invalid_argument("expected a scheduler task from 0 to " + std::to_string(shard.count - 1) +
                                ", found " + (index ? std::to_string(*index) : "none"));
  shard.index = *index;
  return shard;
}

Shard shard_of_scheduler() {
  Shard array;
  if (const auto task = variable("SLURM_ARRAY_TASK_ID")) {
    array.count = variable("SLURM_ARRAY_TASK_COUNT").value_or(0);
    const uint64_t first = variable("SLURM_ARRAY_TASK_MIN").value_or(0);
    const uint64_t last = variable("SLURM_ARRAY_TASK_MAX").value_or(0);
    const uint64_t step = variable("SLURM_ARRAY_TASK_STEP").value_or(1);
    if (step == 0 || last - first != (array.count - 1) * step)
      throw Error(ExitCode::usage, "the tasks of this Slurm array are not evenly spaced",
                  "pass --shard /N, where N is one more than the last task of the whole array");
    array.index = (*task - first) / step;
  } else if (variable("JOB_COMPLETION_INDEX")) {
    throw Error(ExitCode::usage, "Kubernetes gives the index of this task, but not the number of tasks",
                "pass --shard /N, where N is the job's number of completions");
  }
  const Shard step = step_of_srun();
  return {array.index * step.count + step.index, array.count * step.count};
}

}  // namespace unclip
