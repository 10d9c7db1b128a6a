// The words of tasks (see the header).
#include "options/task.h"

#include <algorithm>
#include <filesystem>

#include "options/model_use.h"
#include "options/option_table.h"

namespace unclip {

bool takes(Task task, const Option& option) {
  return std::ranges::find(option.tasks, task) != option.tasks.end();
}

const std::vector<std::pair<std::string, Task>>& task_names() {
  static const std::vector<std::pair<std::string, Task>> names{
      {"generate", Task::generate}, {"variations", Task::variations},
      {"edit", Task::edit},         {"interpolate", Task::interpolate},
      {"textdiff", Task::textdiff}, {"reconstruct", Task::reconstruct}};
  return names;
}

const std::string& name_of(Task task) {
  return std::ranges::find(task_names(), task, &std::pair<std::string, Task>::second)->first;
}

std::string subject_key(Task task) {
  if (task == Task::interpolate) return "source";
  return task == Task::generate || task == Task::edit ? "prompt" : "image";
}

std::string subject_of(const ImageOptions& options) {
  const auto end = [](const std::string& name) {
    const std::string file = image_of_end(name);
    return file.empty() ? text_of_end(name) : std::filesystem::path(file).stem().string();
  };
  if (!options.prompt.empty()) return options.prompt;
  if (options.task == Task::interpolate) return end(options.source) + " to " + end(options.target);
  const std::string stem = std::filesystem::path(options.image).stem().string();
  return options.task == Task::textdiff ? stem + " " + options.to_text : stem;
}

}  // namespace unclip
