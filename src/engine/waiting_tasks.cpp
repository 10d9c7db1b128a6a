// Groups of tasks (see the header).
#include "engine/waiting_tasks.h"

#include <algorithm>
#include <utility>

namespace unclip {

void give(ImageTask& task, ImageResult result) {
  if (const auto done = std::exchange(task.done, {})) done(std::move(result));
}

Error not_wanted() { return {ExitCode::interrupted, "canceled: nobody waits for this image any more"}; }

WaitingTasks::Place WaitingTasks::add(const std::string& key, const ImageTask& task) {
  const auto [group, is_new] = groups_.try_emplace(key);
  if (is_new) group->second.since = Clock::now();
  group->second.tasks.push_back(task);
  ++size_;
  return group;
}

WaitingTasks::Place WaitingTasks::largest() {
  return std::ranges::max_element(groups_, {}, [](const auto& entry) { return entry.second.tasks.size(); });
}

WaitingTasks::Place WaitingTasks::oldest() {
  return std::ranges::min_element(groups_, {}, [](const auto& entry) { return entry.second.since; });
}

WaitingTasks::Place WaitingTasks::ready(std::size_t batch_size, std::chrono::milliseconds patience) {
  Place found = none();
  const Clock::time_point late = Clock::now() - patience;
  for (Place group = groups_.begin(); group != groups_.end(); ++group) {
    const auto& [tasks, since] = group->second;
    const bool due = tasks.size() >= batch_size || since <= late;
    if (due && (found == none() || since < found->second.since)) found = group;
  }
  return found;
}

std::vector<ImageTask> WaitingTasks::take(Place group, std::size_t most) {
  std::vector<ImageTask>& tasks = group->second.tasks;
  const auto end = tasks.begin() + static_cast<std::ptrdiff_t>(std::min(tasks.size(), most));
  std::vector<ImageTask> taken(std::make_move_iterator(tasks.begin()), std::make_move_iterator(end));
  tasks.erase(tasks.begin(), end);
  size_ -= taken.size();
  group->second.since = Clock::now();
  if (tasks.empty()) groups_.erase(group);
  return taken;
}

void WaitingTasks::drop_unwanted() {
  for (Place group = groups_.begin(); group != groups_.end();) {
    size_ -= std::erase_if(group->second.tasks, [](ImageTask& task) {
      const bool dropped = !is_wanted(task);
      if (dropped) give(task, {.error = not_wanted()});
      return dropped;
    });
    group = group->second.tasks.empty() ? groups_.erase(group) : std::next(group);
  }
}

}  // namespace unclip
