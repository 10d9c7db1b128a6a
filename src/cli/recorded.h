// From the parameters inside a picture to the options that make it again: for --from, verify and smoke.
#pragma once

#include <filesystem>

#include "unclip/cli/generate.h"
#include "unclip/image/metadata.h"

namespace unclip {

struct Recorded {
  PictureMetadata metadata;
  GenerateOptions options;  // prompt, seed, steps, guidance, batch size, device and dtype; not the model
};

// Throws Error(io) for a file that is no picture, holds no parameters, or such as unclip never writes.
Recorded read_recorded(const std::filesystem::path& picture);

}  // namespace unclip
