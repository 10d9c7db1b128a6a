// What paths say of one another.
#pragma once

#include <algorithm>
#include <filesystem>

namespace unclip {

// Whether `path` is `folder` or lies below it, links followed as far as they lead somewhere.
inline bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const std::filesystem::path inner = std::filesystem::weakly_canonical(path);
  const std::filesystem::path outer = std::filesystem::weakly_canonical(folder);
  return std::ranges::mismatch(outer, inner).in1 == outer.end();
}

}  // namespace unclip
