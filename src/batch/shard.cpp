// Schedulers' environments → shard (see the header).
#include "batch/shard.h"

#include <cstdlib>
#include <optional>

#include "support/number.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr uint64_t kMostShards = 1'000'000;
constexpr uint64_t kMostTasks = 1'000'000'000;  // numbers of tasks multiply without wrapping around

std::optional<uint64_t> variable(const char* name, uint64_t least, uint64_t most) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  try {
    return parse_number(std::string(text), least, most);
  } catch (const std::invalid_argument& fault) {
    throw Error(ExitCode::usage, std::string(name) + ": " + fault.what(), "pass --shard i/N");
  }
}

// The tasks of one `srun`. Outside of one, as in a batch script, there is a single task.
Shard step_of_srun() {
  const auto tasks = variable("SLURM_STEP_NUM_TASKS", 1, kMostShards);
  return tasks ? Shard{variable("SLURM_PROCID", 0, *tasks - 1).value_or(0), *tasks} : Shard{};
}

// The tasks of a Slurm array that there is.
Shard slurm_array() {
  const uint64_t count = variable("SLURM_ARRAY_TASK_COUNT", 1, kMostShards).value_or(0);
  const uint64_t first = variable("SLURM_ARRAY_TASK_MIN", 0, kMostTasks).value_or(0);
  const uint64_t last = variable("SLURM_ARRAY_TASK_MAX", first, kMostTasks).value_or(first);
  const uint64_t step = variable("SLURM_ARRAY_TASK_STEP", 1, kMostTasks).value_or(1);
  const uint64_t task = variable("SLURM_ARRAY_TASK_ID", first, last).value_or(first);
  if (last - first != (count - 1) * step || (task - first) % step != 0)
    throw Error(ExitCode::usage, "the tasks of this Slurm array are not evenly spaced",
                "pass --shard /N, where N is one more than the last task of the whole array");
  return {(task - first) / step, count};
}

// Of the whole run of `count` shards, the one that a scheduler means.
std::optional<uint64_t> index_of_scheduler() {
  const Shard step = step_of_srun();
  if (const auto task = variable("SLURM_ARRAY_TASK_ID", 0, kMostTasks))
    return *task * step.count + step.index;
  if (step.count > 1) return step.index;
  if (const auto index = variable("JOB_COMPLETION_INDEX", 0, kMostTasks)) return index;
  if (const auto number = variable("PARALLEL_SEQ", 1, kMostTasks)) return *number - 1;
  return std::nullopt;
}

}  // namespace

Shard parse_shard(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos)
    throw std::invalid_argument("expected i/N, or /N under a scheduler, found \"" + excerpt(text) + "\"");
  Shard shard;
  shard.count = parse_number<uint64_t>(text.substr(slash + 1), 1, kMostShards);
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
  if (variable("SLURM_ARRAY_TASK_ID", 0, kMostTasks)) {
    array = slurm_array();
  } else if (variable("JOB_COMPLETION_INDEX", 0, kMostTasks)) {
    throw Error(ExitCode::usage, "Kubernetes gives the index of this task, but not the number of tasks",
                "pass --shard /N, where N is the job's number of completions");
  }
  const Shard step = step_of_srun();
  return {array.index * step.count + step.index, array.count * step.count};
}

}  // namespace unclip
