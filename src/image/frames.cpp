// What all encoders of animations rely on: frames that fit together.
#include <spdlog/fmt/fmt.h>

#include "image/animation.h"
#include "image/resize.h"
#include "unclip/error.h"

namespace unclip {

void Frames::add(Image image, const std::string& name) {
  if (!images_.empty()) {
    const Image& first = images_.front();
    if (image.width != first.width || image.height != first.height)
      throw Error(ExitCode::io,
                  fmt::format("{}: expected {}x{} pixels, the size of the first frame, found {}x{}", name,
                              first.width, first.height, image.width, image.height),
                  "frames of one animation are of one size: make this one again, or leave it out");
    if (image.channels != first.channels) {
      for (Image& each : images_) each = to_rgb(each);
      image = to_rgb(image);
    }
  }
  images_.push_back(std::move(image));
}

}  // namespace unclip
