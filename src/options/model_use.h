// What of a model a task runs: what no task runs is not opened.
#pragma once

#include "unclip/image_options.h"

namespace unclip {

struct ModelUse {
  bool prior = false;   // text → image embedding
  bool texts = false;   // embeddings of texts
  bool images = false;  // embeddings of images

  ModelUse& operator|=(const ModelUse& other) {
    prior |= other.prior, texts |= other.texts, images |= other.images;
    return *this;
  }
  bool operator==(const ModelUse&) const = default;
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
