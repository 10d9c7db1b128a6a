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

FinishedImage finish(const ImageCall& call, Image image, uint64_t seed, const PngText& text) {
  if (call.resize_to) image = at_size(std::move(image), *call.resize_to);
  const std::vector<std::byte> png = encode_png(image, text);
  return {std::string(reinterpret_cast<const char*>(png.data()), png.size()), seed, image.width,
          image.height};
}

}  // namespace

Image at_size(Image image, const ImageSize& size) {
  if (ImageSize{image.width, image.height} == size) return image;
  return resize(image, size.width, size.height, ResizeFilter::lanczos, /*reduce_first=*/true);
}

FinishedImage finish_image(const ImageCall& call, ImageResult result) {
  ImageMetadata metadata = std::move(result.metadata);
  forget_files(metadata.options);
  return finish(call, std::move(result.image), metadata.seed,
                call.options.no_metadata ? source_type_text() : to_png_text(metadata));
}

FinishedImage finish_preview(const ImageCall& call, Image image) {
  return finish(call, std::move(image), call.options.seed.value_or(0), source_type_text());
}

std::string server_event(const std::string& name, const nlohmann::ordered_json& data) {
  return "event: " + name + "\ndata: " + json_line(data) + "\n\n";
}

}  // namespace unclip
