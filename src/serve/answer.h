// Finished images → what clients get.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/engine.h"
#include "serve/image_call.h"

namespace unclip {

struct FinishedImage {
  std::string png;
  uint64_t seed = 0;
  int width = 0, height = 0;
};

// As a call's size shows what was drawn.
Image at_size(Image image, const ImageSize& size);

// Resized where the call asks for it, with metadata that names no file of this machine.
FinishedImage finish_image(const ImageCall& call, ImageResult result);

// The same of what is not finished, without metadata.
FinishedImage finish_preview(const ImageCall& call, Image image);

// One server-sent event.
std::string server_event(const std::string& name, const nlohmann::ordered_json& data);

}  // namespace unclip
