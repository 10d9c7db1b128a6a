// What the latent families ask of the images and sizes of their requests.
#include "check_images.h"

#include "fit.h"
#include "unclip/error.h"

namespace unclip {
namespace {

std::string size_text(int64_t width, int64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

}  // namespace

void expect_image(const std::shared_ptr<const Image>& image, const char* field, const char* expected) {
  if (!image)
    throw Error(ExitCode::usage, Cause{.field = field, .expected = expected, .found = "none"},
                "pass one, or use a text-to-image model");
}

void expect_alike_images(const std::vector<ImageRequest>& batch) {
  const auto expect_all = [](bool given, bool first_given, const char* field) {
    if (given != first_given)
      throw Error(ExitCode::usage, Cause{.field = field,
                                         .expected = "one for each image of the batch, or none",
                                         .found = "one for some of them"});
  };
  for (const ImageRequest& request : batch) {
    expect_all(request.init_image != nullptr, batch[0].init_image != nullptr, "init_image");
    expect_all(request.mask != nullptr, batch[0].mask != nullptr, "mask");
    if (!request.mask) continue;
    expect_image(request.init_image, "init_image", "an image for the mask");
    if (request.mask->width == request.init_image->width &&
        request.mask->height == request.init_image->height)
      continue;
    throw Error(ExitCode::usage,
                Cause{.field = "mask",
                      .expected = size_text(request.init_image->width, request.init_image->height) +
                                  " pixels, the size of the initial image",
                      .found = size_text(request.mask->width, request.mask->height)},
                "resize the mask");
  }
}

void expect_drawable(const DrawSettings& settings, int64_t smallest) {
  if (settings.strength < 0 || settings.strength > 1)
    throw Error(ExitCode::usage,
                Cause{.field = "strength", .expected = "0 to 1", .found = std::to_string(settings.strength)});
  for (const int side : {settings.width, settings.height})
    if (side != 0 && (side < smallest || side > kLargestImageSide))
      throw Error(ExitCode::usage,
                  Cause{.field = "size",
                        .expected = std::to_string(smallest) + " to " + std::to_string(kLargestImageSide) +
                                    " pixels per side",
                        .found = size_text(settings.width, settings.height)},
                  "choose another size");
}

int64_t steps_of_strength(double strength, int64_t steps) {
  const auto taken = static_cast<int64_t>(static_cast<double>(steps) * strength);
  if (taken < 1)
    throw Error(
        ExitCode::usage,
        Cause{.field = "strength",
              .expected = "at least one step",
              .found = std::to_string(strength) + " of " + std::to_string(steps) + " steps, which is none"},
        "raise it, or use more decoder steps");
  return taken;
}

}  // namespace unclip
