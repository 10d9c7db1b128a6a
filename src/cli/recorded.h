// From the parameters inside a picture to the options that make it again: for --from, verify and smoke.
#pragma once

#include <filesystem>

#include "unclip/cli/generate.h"
#include "unclip/image/metadata.h"

namespace unclip {

// What PictureMetadata::options holds beside batch size, device and dtype: job options without a field of
// their own.
constexpr const char* kRecordedOptions[] = {
    "negative-prior-prompt", "size", "init-image", "strength", "mask", "hint", "embedding"};

struct Recorded {
  PictureMetadata metadata;
  GenerateOptions options;  // all that made the picture but the model
};

// Throws Error(io) for a file that is no picture, holds no parameters, or such as unclip never writes.
Recorded read_recorded(const std::filesystem::path& picture);

}  // namespace unclip
