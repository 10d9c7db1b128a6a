// Arguments → jobs (see the header).
#include "cli/task_jobs.h"

#include <random>

#include "options/option_table.h"
#include "options/task.h"
#include "support/number.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr int kInterpolationFrames = 9, kTextdiffFrames = 5;

void require(bool given, Task task, const std::string& what, const std::string& example) {
  if (!given)
    throw Error(ExitCode::usage, what + " is required, or --prompt-file FILE",
                "for example: unclip " + name_of(task) + " " + example + "; more: unclip " + name_of(task) +
                    " --help");
}

// By the option's own rules.
void set(ImageOptions& job, const char* option, const std::string& value) {
  try {
    find_option(option)->parse(job, value);
  } catch (const std::invalid_argument& fault) {
    throw Error(ExitCode::usage, std::string(option) + ": " + fault.what(),
                "run with --help to see what it takes");
  }
}

double share(int i, int count) { return count > 1 ? static_cast<double>(i) / (count - 1) : 0; }

// Frames over all stretches from one end to the next, evenly.
std::vector<ImageOptions> interpolation(const TaskArguments& arguments, const ImageOptions& defaults) {
  const int frames = arguments.frames.value_or(kInterpolationFrames);
  const auto stretches = static_cast<int>(arguments.images.size()) - 1;
  std::vector<ImageOptions> jobs;
  for (int i = 0; i < frames; ++i) {
    const double way = share(i, frames) * stretches;
    const int stretch = std::min(static_cast<int>(way), stretches - 1);
    ImageOptions& job = jobs.emplace_back(defaults);
    set(job, "source", arguments.images[static_cast<std::size_t>(stretch)]);
    set(job, "target", arguments.images[static_cast<std::size_t>(stretch) + 1]);
    job.position = way - stretch;
  }
  return jobs;
}

std::vector<ImageOptions> textdiff(const TaskArguments& arguments, const ImageOptions& defaults) {
  const int frames = arguments.frames.value_or(kTextdiffFrames);
  const auto [first, last] = arguments.theta;
  std::vector<ImageOptions> jobs;
  for (int i = 0; i < frames; ++i) {
    ImageOptions& job = jobs.emplace_back(defaults);
    set(job, "image", arguments.images.front());
    set(job, "from-text", arguments.from_text);
    set(job, "to-text", arguments.to_text);
    job.theta = first + share(i, frames) * (last - first);
  }
  return jobs;
}

}  // namespace

std::vector<ImageOptions> jobs_of(Task task, const TaskArguments& arguments, const ImageOptions& defaults) {
  std::vector<ImageOptions> jobs;
  if (task == Task::interpolate || task == Task::textdiff) {
    ImageOptions shared = defaults;
    if (!shared.seed) shared.seed = std::random_device{}();
    if (task == Task::interpolate) {
      require(arguments.images.size() > 1, task, "a source and a target", "cat.png \"a dog\" --frames 9");
      return interpolation(arguments, shared);
    }
    require(!arguments.to_text.empty(), task, "IMAGE FROM TO",
            "circle.png \"a red circle\" \"a blue circle\"");
    return textdiff(arguments, shared);
  }
  require(!arguments.images.empty(), task, "IMAGE",
          task == Task::edit ? "cat.png --mask hole.png \"a hat\"" : "cat.png");
  if (task == Task::edit)
    require(!arguments.prompts.empty(), task, "PROMPT", "cat.png --mask hole.png \"a hat\"");
  for (const std::string& image : arguments.images) {
    ImageOptions job = defaults;
    job.seed.reset();  // it is the run's: jobs count from it
    set(job, "image", image);
    if (task != Task::edit) jobs.push_back(job);
    for (const std::string& prompt : arguments.prompts) jobs.emplace_back(job).prompt = prompt;
  }
  return jobs;
}

std::pair<double, double> parse_theta(const std::string& text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos) {
    const double only = parse_number<double>(text, 0, 1);
    return {only, only};
  }
  return {parse_number<double>(text.substr(0, dots), 0, 1),
          parse_number<double>(text.substr(dots + 2), 0, 1)};
}

}  // namespace unclip
