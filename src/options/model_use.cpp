// Task → parts of a model.
#include "options/model_use.h"

namespace unclip {

namespace {

ModelUse use_of_task(const ImageOptions& options) {
  switch (options.task) {
    case Task::generate:
    case Task::edit:
      return {.prior = options.embedding.empty()};
    case Task::variations:
    case Task::reconstruct:
      return {.images = true};
    case Task::textdiff:
      return {.texts = true, .images = true};
    case Task::interpolate:
      break;
  }
  const bool from_image = !image_of_end(options.source).empty(),
             to_image = !image_of_end(options.target).empty();
  return {.prior = !from_image || !to_image, .images = from_image || to_image};
}

}  // namespace

ModelUse use_of(const ImageOptions& options) {
  ModelUse use = use_of_task(options);
  use.safety = options.safety_checker != SafetyCheck::off;
  use.loras = options.loras;
  return use;
}

}  // namespace unclip
