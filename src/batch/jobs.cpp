// Command line or prompt file → jobs.
#include "batch/jobs.h"

#include <spdlog/spdlog.h>

#include "support/utf8.h"
#include "unclip/error.h"

namespace unclip {
namespace {

// Jobs of the command line; those of a file are checked as they are read.
void check_job(const ImageOptions& options, const std::string& where) {
  if (const auto byte = find_invalid_utf8(options.prompt))
    throw Error(ExitCode::usage,
                where + ": expected UTF-8, found a byte that is none at place " + std::to_string(*byte + 1),
                "give the prompt in UTF-8");
  try {
    check_together(options);
  } catch (const std::invalid_argument& fault) {
    throw Error(ExitCode::usage, where + ": " + fault.what(),
                "for example: unclip generate \"a red circle\"; more: unclip generate --help");
  }
}

}  // namespace

Jobs::Jobs(std::vector<std::string> prompts, ImageOptions defaults)
    : defaults_(std::move(defaults)), prompts_(std::move(prompts)) {}

Jobs::Jobs(PromptFile file, ImageOptions defaults) : defaults_(std::move(defaults)), file_(std::move(file)) {}

std::optional<Job> Jobs::next() {
  Job job{index_, {}, defaults_};
  if (file_) {
    auto line = file_->next(defaults_, [](const std::string& fault) { spdlog::error(fault); });
    if (!line) return std::nullopt;
    job.where = file_->name() + ':' + std::to_string(line->line);
    job.options = std::move(line->options);
  } else {
    if (index_ == prompts_.size()) return std::nullopt;
    job.where = "prompt " + std::to_string(index_ + 1);
    job.options.prompt = prompts_[index_];
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
    throw Error(ExitCode::usage, file_->name() + ": faults: " + std::to_string(faults),
                "correct the lines; nothing was done yet");
  if (index_ == 0)
    throw Error(ExitCode::usage, file_->name() + ": expected a prompt, found none",
                "write one prompt a line");
}

}  // namespace unclip
