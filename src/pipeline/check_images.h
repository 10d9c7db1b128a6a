// What the latent families ask of the images and sizes of their requests. All throw Error(usage).
#pragma once

#include "pipeline/pipeline.h"

namespace unclip {

// That there is one; `expected`: "a mask for this inpainting model".
void expect_image(const std::shared_ptr<const Image>& image, const char* field, const char* expected);

// That all requests of a batch have an initial image, or none, and the same of a mask, which is as large as
// the image.
void expect_alike_images(const std::vector<ImageRequest>& batch);

// A strength from 0 to 1, and no size or one of at least `smallest` pixels a side that is not too large.
void expect_drawable(const DrawSettings& settings, int64_t smallest);

// How many of `steps` steps change an initial image; at least one.
int64_t steps_of_strength(double strength, int64_t steps);

}  // namespace unclip
