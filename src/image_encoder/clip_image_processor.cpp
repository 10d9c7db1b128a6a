// Prepares an image for CLIP's vision tower.
#include "image_encoder/clip_image_processor.h"

#include <torch/types.h>

#include "image/resize.h"

namespace unclip {
namespace {

// A number, or an object with the number under `key`, as newer files have it.
int read_side(const Config& config, const std::string& name, const char* key, int fallback) {
  if (!config.has(name)) return fallback;
  const nlohmann::json& value = config.values().at(name);
  constexpr Range kSides{1, 4096};
  return value.is_object() ? Config(value, config.origin() + ": \"" + name + "\"").require<int>(key, kSides)
                           : config.require<int>(name, kSides);
}

}  // namespace

ClipImageProcessorConfig ClipImageProcessorConfig::from(const Config& config) {
  ClipImageProcessorConfig c;
  for (const char* step : {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"})
    config.expect(step, true);
  config.expect("resample", 3);  // bicubic
  c.shortest_edge = read_side(config, "size", "shortest_edge", c.shortest_edge);
  c.crop_width = read_side(config, "crop_size", "width", c.crop_width);
  c.crop_height = read_side(config, "crop_size", "height", c.crop_height);
  config.fill("image_mean", c.image_mean, {-10, 10});
  config.fill("image_std", c.image_std, kScales);
  if (c.image_mean.size() != 3 || c.image_std.size() != 3 || c.crop_width > c.shortest_edge ||
      c.crop_height > c.shortest_edge)
    throw Error(ExitCode::model, config.origin() +
                                     ": expected three numbers in \"image_mean\" and \"image_std\", and a "
                                     "\"crop_size\" that fits into \"size\"");
  return c;
}

torch::Tensor clip_pixels(const Image& image, const ClipImageProcessorConfig& c) {
  const int shorter = std::min(image.width, image.height);
  const auto scaled = [&](int side) { return int64_t{c.shortest_edge} * side / shorter; };  // rounded down
  const Image cropped = resize_and_crop(to_rgb(image), {scaled(image.width), scaled(image.height)},
                                        c.crop_width, c.crop_height, ResizeFilter::bicubic);
  const torch::Tensor bytes = torch::tensor(cropped.pixels, torch::kUInt8)
                                  .view({1, cropped.height, cropped.width, 3})
                                  .permute({0, 3, 1, 2});  // [1,3,H,W]
  const auto column = [](const std::vector<double>& values) {
    return torch::tensor(values, torch::kFloat32).view({1, 3, 1, 1});
  };
  return (bytes.to(torch::kFloat32) / 255 - column(c.image_mean)) / column(c.image_std);
}

}  // namespace unclip
