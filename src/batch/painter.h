// What a run asks of a model. The batch module knows no torch: cli/painter.cpp answers with a pipeline.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "batch/job_options.h"
#include "image/image.h"
#include "image/metadata.h"

namespace unclip {

// One picture to make.
struct PictureJob {
  JobOptions options;
  std::string where;           // its prompt stands: "prompts.jsonl:12"
  uint64_t index = 0;          // of its job in the whole run
  uint64_t n = 0;              // of the picture in its job
  uint64_t seed = 0;           // its own
  std::filesystem::path file;  // where it goes
  bool truncated = false;      // the model does not read its whole prompt
  std::string id;              // in the manifest (picture_id); empty without one
  std::string policy;          // "allowed", or the rule that refuses its prompt; empty: no policy

  bool refused() const { return !policy.empty() && policy != "allowed"; }
};

class Painter {
 public:
  // Called when a stage begins (done = 0) and after each of its steps; may throw, to stop.
  using Observer = std::function<void(std::string_view stage, int64_t done, int64_t steps)>;

  virtual ~Painter() = default;

  // Pictures of equal keys can share a batch.
  virtual std::string batch_key(const JobOptions& options) const = 0;

  // The end of a prompt that is too long for the model.
  virtual std::optional<std::string> unread(const std::string& prompt) const = 0;

  // One image a picture. Throws Error; with ExitCode::out_of_memory where a smaller batch may fit.
  virtual std::vector<Image> draw(const std::vector<PictureJob>& batch, const Observer& observer) = 0;

  // Throws Error(model), which ends the run, where the model's files were changed since it was opened.
  virtual void expect_unchanged() const = 0;

  // How many pictures like this one, up to `most`, can be drawn together in the memory that is free: a power
  // of two.
  virtual std::size_t fitting_batch(const PictureJob& picture, std::size_t most) = 0;

  virtual ImageMetadata describe(const PictureJob& picture, const Image& image) const = 0;
};

// `embedded`: every picture of the run begins with an embedding, so that no prior is needed.
using OpenPainter = std::function<std::unique_ptr<Painter>(bool embedded)>;

}  // namespace unclip
