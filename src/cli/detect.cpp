// Files → the judge → JSON lines (see the header).
#include "cli/detect.h"

#include <nlohmann/json.hpp>

#include "image/image_file.h"
#include "image/resize.h"
#include "scenes/judge.h"
#include "support/interrupt.h"
#include "support/json_text.h"
#include "unclip/error.h"

namespace unclip {
namespace {

nlohmann::ordered_json to_json(const Seen& object) {
  nlohmann::ordered_json line{{"color", name(object.color)}, {"shape", nullptr}, {"fit", object.fit}};
  if (object.shape) line["shape"] = name(*object.shape);
  line["area"] = object.area;
  line["box"] = {object.box.center.x, object.box.center.y, object.box.width, object.box.height};
  return line;
}

}  // namespace

int detect_in(const std::vector<std::filesystem::path>& files, std::ostream& out) {
  for (const std::filesystem::path& file : files) {
    throw_if_interrupted();
    const Image image = to_rgb(read_image(file));
    if (image.width != image.height)
      throw Error(ExitCode::io, file.string() + ": expected a square image, found " +
                                    std::to_string(image.width) + "x" + std::to_string(image.height));
    const Detections found = detect(image.pixels, image.width);
    nlohmann::ordered_json line{{"file", path_json(file)},
                                {"background", name(found.background)},
                                {"objects", nlohmann::ordered_json::array()}};
    for (const Seen& object : found.objects) line["objects"].push_back(to_json(object));
    out << json_line(line) << std::endl;
  }
  return static_cast<int>(ExitCode::ok);
}

}  // namespace unclip
