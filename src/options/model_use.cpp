// Task → parts of a model.
#include "options/model_use.h"

namespace unclip {

ModelUse use_of(const ImageOptions& options) {
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

}  // namespace unclip
