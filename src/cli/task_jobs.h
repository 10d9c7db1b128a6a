// The arguments of the verbs that start from images (variations, edit, interpolate, textdiff, reconstruct) →
// jobs.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unclip/image_options.h"

namespace unclip {

struct TaskArguments {
  std::vector<std::string> images;   // or ends of an interpolation
  std::vector<std::string> prompts;  // of edit
  std::string from_text{}, to_text{};
  std::optional<int> frames{};
  std::pair<double, double> theta{0.1, 0.5};  // of the first and the last frame
};

// `defaults`: what the flags say of all jobs. Frames share one seed: the given one or a random one. Throws
// Error(usage) where the task lacks an argument.
std::vector<ImageOptions> jobs_of(Task task, const TaskArguments& arguments, const ImageOptions& defaults);

// "0.3" or "0.1..0.5". Throws std::invalid_argument.
std::pair<double, double> parse_theta(const std::string& text);

}  // namespace unclip
