// ImageResult → PNG; JSON → events (see the header).
#include "serve/answer.h"

#include "image/metadata.h"
#include "image/png.h"
#include "image/resize.h"
#include "support/json_text.h"

namespace unclip {
namespace {

// Uploads are named by paths.
void forget_files(nlohmann::json& options) {
  for (const Option& option : option_table())
    if (option.kind == Option::Kind::file || option.kind == Option::Kind::end) options.erase(option.name());
}

}  // namespace

FinishedImage finish_image(const ImageCall& call, ImageResult result) {
  Image image = std::move(result.image);
  if (const auto& to = call.resize_to; to && (image.width != to->width || image.height != to->height))
    image = resize(image, to->width, to->height, ResizeFilter::lanczos, /*reduce_first=*/true);
  ImageMetadata metadata = std::move(result.metadata);
  forget_files(metadata.options);
  const std::vector<std::byte> png =
      encode_png(image, call.options.no_metadata ? source_type_text() : to_png_text(metadata));
  return {std::string(reinterpret_cast<const char*>(png.data()), png.size()), metadata.seed, image.width,
          image.height};
}

std::string server_event(const std::string& name, const nlohmann::ordered_json& data) {
  return "event: " + name + "\ndata: " + json_line(data) + "\n\n";
}

}  // namespace unclip
