// Whether a picture can be written where it should go: faults that would otherwise show only after minutes of
// computing. Makes no folder yet: writing does.
#pragma once

#include <filesystem>

namespace unclip {

// Throws Error(io) for a path that cannot be, or a folder that cannot be made or written.
class OutputCheck {
 public:
  void check(const std::filesystem::path& file);

 private:
  std::filesystem::path good_folder_;  // the last one
};

// A picture that is there and can be read to its end.
bool is_whole_picture(const std::filesystem::path& file);

}  // namespace unclip
