// Whether an image can be written where it should go: faults that would otherwise show only after minutes of
// computing. Makes no folder yet: writing does.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "unclip/error.h"

namespace unclip {

// Whether a name is taken, also by a link that leads nowhere: no file can be made in its place.
bool is_taken(const std::filesystem::path& file);

// Throws Error(io) for a path that cannot be, a folder that cannot be made or written, and for what is there
// and no file: a folder, pipe or device.
class OutputCheck {
 public:
  void check(const std::filesystem::path& file);

 private:
  void check_folder(std::filesystem::path folder);

  std::filesystem::path good_folder_;  // the last one
  std::size_t longest_name_ = 0;       // that it takes, in bytes
};

// For a file that is written once: throws Error(io) also where its name is taken, unless it may be replaced.
void check_new_file(const std::filesystem::path& file, bool overwrite);

// Where two outputs of a run would have one name. `other`: "a frame".
Error needs_own_name(const std::filesystem::path& file, const std::string& other);

// An image that is there and can be read to its end.
bool is_whole_image(const std::filesystem::path& file);

// The same by its first and last bytes alone, for thousands that were written before.
bool looks_whole(const std::filesystem::path& file);

// Whether a file may be what a kill left of an image: it is empty or begins as a PNG does.
bool is_begun_image(const std::filesystem::path& file);

}  // namespace unclip
