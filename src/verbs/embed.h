// `unclip embed` and `unclip similar`: CLIP embeddings of images and texts, for scripts that rank, sort or
// find duplicates.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "unclip/device_choice.h"

namespace unclip {

struct EmbedOptions {
  std::vector<std::string> inputs{};  // images or texts, as ends of an interpolation
  std::filesystem::path output{};     // of embed
  bool overwrite = false;
  std::filesystem::path model{}, prior{};
  DeviceChoice device{};
  DtypeChoice dtype = DtypeChoice::automatic;
  bool json = false;
};

// Writes `embeddings` [N,D], one row an input, and the inputs' names as metadata; of one image instead
// `image_embeds` [1,D] and, in families that have it, `negative_image_embeds`, as --embedding takes them.
// Throws Error as open_engine does, and Error(io).
int embed(const EmbedOptions& options, std::ostream& out);

// Prints the cosine of the first input with each other one.
int similar(const EmbedOptions& options, std::ostream& out);

}  // namespace unclip
