// What a model is called: by its folder, or on the hub.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace unclip {

// "ORG/NAME" of CACHE/models--ORG--NAME/snapshots/COMMIT, which is such a folder in the layout of the hub's
// cache (hub/cache.h); nothing of others.
std::optional<std::string> hub_name(const std::filesystem::path& folder);

// "ORG/NAME", else the name of the folder itself. Links are followed.
std::string model_name(const std::filesystem::path& folder);

}  // namespace unclip
