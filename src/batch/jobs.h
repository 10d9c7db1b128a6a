// The jobs of a run, in order: the prompts of the command line or the lines of a prompt file. Read twice,
// once to check and once to draw, and never held in memory as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "batch/prompt_file.h"

namespace unclip {

struct Job {
  uint64_t index = 0;  // from 0
  std::string where;   // "prompts.jsonl:12" or "prompt 12"
  ImageOptions options;
};

class Jobs {
 public:
  // `defaults`: what the command line says of all jobs.
  Jobs(const std::vector<std::string>& prompts, const ImageOptions& defaults);
  explicit Jobs(std::vector<ImageOptions> jobs);
  Jobs(PromptFile file, ImageOptions defaults);

  std::optional<Job> next();
  void rewind();

  // Whether none of them can bring an output of its own.
  bool share_output() const { return file_ && !file_->has_options(); }

  // Throws Error(usage) where one of the jobs that were read was bad, or there was none. Bad lines are logged
  // as they are read.
  void require_good() const;

 private:
  ImageOptions defaults_;
  std::vector<ImageOptions> jobs_;
  std::optional<PromptFile> file_;
  uint64_t index_ = 0;
};

}  // namespace unclip
