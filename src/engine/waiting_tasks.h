// Tasks that wait for a batch, in groups that may share one.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace unclip {

// Whether anybody waits for the image.
inline bool is_wanted(const ImageTask& task) { return !task.wanted || task.wanted(); }

// Calls `done`, once.
void give(ImageTask& task, ImageResult result);

// Why a task that is not wanted any more has no image.
Error not_wanted();

class WaitingTasks {
 public:
  using Clock = std::chrono::steady_clock;
  struct Group {
    std::vector<ImageTask> tasks;
    Clock::time_point since{};  // when the first of them came, or when others of them were taken
  };
  using Place = std::map<std::string, Group>::iterator;

  bool empty() const { return groups_.empty(); }
  std::size_t size() const { return size_; }
  Place none() { return groups_.end(); }

  // `key`: of the batches that the task can share.
  Place add(const std::string& key, const ImageTask& task);

  Place any() { return groups_.begin(); }
  Place largest();
  Place oldest();

  // Of the groups that make a whole batch or have waited long enough, the one that waits longest; none()
  // where there is none.
  Place ready(std::size_t batch_size, std::chrono::milliseconds patience);

  // The first ones of a group, at most so many; an empty group is gone.
  std::vector<ImageTask> take(Place group, std::size_t most);

  // Tasks that are not wanted any more are done.
  void drop_unwanted();

 private:
  std::map<std::string, Group> groups_;
  std::size_t size_ = 0;
};

}  // namespace unclip
