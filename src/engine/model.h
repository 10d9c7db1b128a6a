// A pipeline on its device, asked in the words of the option table: what an engine's worker owns.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/request_maker.h"
#include "engine/side_by_side.h"
#include "pipeline/pipeline.h"
#include "pipeline/safety_check.h"

namespace unclip {

struct DrawnImage {
  Image image{};
  std::optional<bool> flagged{};  // by the model's safety checker; absent: it was not asked
};

class Model {
 public:
  // Throws Error as Pipeline::open and select_device do.
  Model(const ModelChoice& choice, const ModelUse& use, bool draws = true);

  const PipelineDefaults& defaults() const { return defaults_; }

  // Images of equal keys can share a batch: what they must have in common, and what changes the shapes that
  // kernels see.
  std::string batch_key(const ImageTask& task) const;

  // The end of the first text of a task that is too long for the model.
  std::optional<std::string> truncated_text(const ImageOptions& options) const;

  // One image a task; all tasks of one batch key. Throws Error, with ExitCode::out_of_memory where a smaller
  // batch may fit.
  std::vector<DrawnImage> draw(const std::vector<ImageTask>& batch, const Observer& observer);

  // Stops after the prior.
  ImageEmbedding embed(const ImageTask& task, const Observer& observer);

  // CLIP embeddings of an image file and of a text.
  ImageEmbedding embed_image(const std::string& file);
  Vector embed_text(const std::string& text);

  // How near a reconstruction came to its image, in dB; empty for other tasks.
  std::optional<double> psnr(const ImageTask& task, const Image& image);

  // How many images like this one, up to `most`, can be drawn together in the memory that is free: a power of
  // two.
  std::size_t fitting_batch(const ImageTask& task, std::size_t most);

  ImageMetadata describe(const ImageTask& task, const DrawnImage& drawn, std::size_t batch_size) const;

 private:
  // What the options leave open is the model's.
  Steps steps_of(const ImageOptions& options) const;
  Guidance guidance_of(const ImageOptions& options) const;
  DrawSettings settings_of(const ImageOptions& options) const;

  // Opens the model anew where it is to have other LoRAs than it has.
  void use_loras(const std::vector<LoraFile>& loras);
  void open(const ModelFolder& folder);

  std::vector<Image> generate(const std::vector<ImageRequest>& requests, const DrawSettings& settings,
                              const Observer& observer);

  // Asks the safety checker, and blackens what it flags where that is on. All of one batch key.
  std::vector<DrawnImage> check_safety(const std::vector<ImageTask>& batch, std::vector<Image> images);

  const ModelChoice choice_;
  const PipelineParts parts_;
  std::vector<LoraFile> loras_;  // that the weights hold
  DeviceAndDtype target_;
  std::unique_ptr<Pipeline> pipeline_;  // empty where it could not be opened anew
  SideBySide side_by_side_;
  std::unique_ptr<SafetyChecker> safety_;  // null where none is wanted, or the model has none
  std::optional<RequestMaker> requests_;
  PipelineDefaults defaults_;
  ImageMetadata metadata_;  // what all images share
};

// Throws Error(model), which ends a run, where a model's files were changed since they were opened.
void expect_unchanged_files();

}  // namespace unclip
