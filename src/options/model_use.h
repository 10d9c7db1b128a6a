// What of a model a task runs: what no task runs is not opened.
#pragma once

#include <compare>

#include "unclip/image_options.h"

namespace unclip {

struct ModelUse {
  bool prior = false;             // text → image embedding
  bool texts = false;             // embeddings of texts
  bool images = false;            // embeddings of images
  bool safety = false;            // the safety checker, where the model has one
  std::vector<LoraFile> loras{};  // with which it is opened

  ModelUse& operator|=(const ModelUse& other) {
    prior |= other.prior, texts |= other.texts, images |= other.images, safety |= other.safety;
    if (loras.empty()) loras = other.loras;
    return *this;
  }
  auto operator<=>(const ModelUse&) const = default;
};

ModelUse use_of(const ImageOptions& options);

// Ends of an interpolation.
inline constexpr const char* kTextEnd = "text:";
inline constexpr const char* kImageEnd = "image:";

// The path of an end that is an image; empty for a text.
inline std::string image_of_end(const std::string& end) {
  return end.starts_with(kImageEnd) ? end.substr(std::char_traits<char>::length(kImageEnd)) : "";
}
inline std::string text_of_end(const std::string& end) {
  return end.starts_with(kTextEnd) ? end.substr(std::char_traits<char>::length(kTextEnd)) : "";
}

}  // namespace unclip
