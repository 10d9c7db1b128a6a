// Tasks in words: as verbs, prompt files, metadata and file names spell them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "unclip/image_options.h"

namespace unclip {

struct Option;

// Whether the task has it.
bool takes(Task task, const Option& option);

// The words of tasks, as verbs and metadata spell them.
const std::vector<std::pair<std::string, Task>>& task_names();
const std::string& name_of(Task task);

// What a line of a prompt file must name: "prompt", "image" or "source".
std::string subject_key(Task task);

// What an image is named after: its prompt, else the stems of its files and its texts.
std::string subject_of(const ImageOptions& options);

}  // namespace unclip
