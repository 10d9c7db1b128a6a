// Command line or prompt file → jobs.
#include "batch/jobs.h"

#include <spdlog/spdlog.h>

#include "options/check_options.h"
#include "options/task.h"
#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

// Jobs of the command line; those of a file are checked as they are read.
void check_job(const ImageOptions& options, const std::string& where) {
  if (const auto byte = find_invalid_utf8(options.prompt))
    throw Error(ExitCode::usage,
                where + ": expected UTF-8, found an invalid byte at position " + std::to_string(*byte + 1),
                "encode the prompt as UTF-8");
  try {
    check_together(options);
  } catch (const std::invalid_argument& fault) {
    throw Error(ExitCode::usage, where + ": " + fault.what(),
                "more: unclip " + name_of(options.task) + " --help");
  }
}

}  // namespace

Jobs::Jobs(const std::vector<std::string>& prompts, const ImageOptions& defaults) {
  for (const std::string& prompt : prompts) jobs_.emplace_back(defaults).prompt = prompt;
}

Jobs::Jobs(std::vector<ImageOptions> jobs) : jobs_(std::move(jobs)) {}

Jobs::Jobs(PromptFile file, ImageOptions defaults) : defaults_(std::move(defaults)), file_(std::move(file)) {}

std::optional<Job> Jobs::next() {
  Job job{index_, {}, defaults_};
  if (file_) {
    auto line = file_->next(defaults_, [](const std::string& fault) { spdlog::error(fault); });
    if (!line) return std::nullopt;
    job.where = file_->name() + ':' + std::to_string(line->line);
    job.options = std::move(line->options);
  } else {
    if (index_ == jobs_.size()) return std::nullopt;
    job.options = jobs_[index_];
    job.where = subject_key(job.options.task) + " " + std::to_string(index_ + 1);
    check_job(job.options, job.where);
  }
  ++index_;
  return job;
}

void Jobs::rewind() {
  index_ = 0;
  if (file_) file_->rewind();
}

void Jobs::require_good() const {
  const std::size_t faults = file_ ? file_->faults() : 0;
  if (faults > 0)
    throw Error(ExitCode::usage, file_->name() + ": errors: " + std::to_string(faults),
                "fix these lines; nothing has been generated yet");
  const std::string subject = subject_key(defaults_.task);
  if (index_ == 0)
    throw Error(
        ExitCode::usage,
        file_->name() + ": expected " + (subject == "image" ? "an " : "a ") + subject + ", found none",
        "write one per line");
}

}  // namespace unclip
