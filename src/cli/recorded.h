// From the parameters inside an image to the options that make it again: for --from, verify and smoke.
//
// An image comes from anywhere. Its numbers are held to the ranges of the command line, its batch size is
// not obeyed, and the files that it names are not opened unless the user says so.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/generate.h"
#include "image/metadata.h"

namespace unclip {

struct Recorded {
  std::filesystem::path image;
  ImageMetadata metadata;
  GenerateOptions options;            // all that made the image but the model and the batch size
  std::vector<std::string> withheld;  // options that name files, which `options` lacks
};

// `from_files`: nothing is withheld. Throws Error(io) for a file that is no image, holds no parameters, or
// such as unclip never writes.
Recorded read_recorded(const std::filesystem::path& image, bool from_files);

// Throws Error(usage) where a file is withheld and `job` names none in its place.
void require_files(const Recorded& recorded, const ImageOptions& job);

}  // namespace unclip
