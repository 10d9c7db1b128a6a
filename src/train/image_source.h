// Captioned images to train on: the endless scenes, or a folder of the user's own. Image `index` is the
// same whenever and by whichever thread it is asked for, so a position in the data is one number.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scenes/scene.h"

namespace unclip {

struct Example {
  std::vector<uint8_t> rgb;                 // [size * size * 3], rows top-down
  std::string caption;                      // UTF-8; empty: none
  std::vector<std::string> hard_negatives;  // captions that are false of it; may be none
  std::vector<std::string> facts = {};      // that show in it (scenes/facts.h); of scenes alone
};

class ImageSource {
 public:
  virtual ~ImageSource() = default;
  // Safe on many threads.
  virtual Example get(uint64_t index, int size) const = 0;
  // Reads every image once, by `threads`: a long training does not begin with one that cannot be read. Throws
  // Error with the first fault and where the others are. Scenes have none.
  virtual void check(int /*threads*/) const {}
};

std::unique_ptr<ImageSource> scenes_source(const SceneOptions& options);

// PNG and JPEG files listed in FOLDER/metadata.jsonl, {"file_name": …, "text": …} a line (the imagefolder
// convention); each pass over them in an order of its own. Images are cropped to a square and scaled. With
// `captioned_only` lines without text are left out. Throws Error(usage) with file:line for what does not fit
// and for fewer than two images, Error(io) for images that cannot be read.
std::unique_ptr<ImageSource> folder_source(const std::filesystem::path& folder, uint64_t seed,
                                           bool captioned_only);

// SHA-256 of FOLDER/metadata.jsonl, in hex: what a run learns from, whatever the folder is called. Throws as
// above.
std::string digest_of_list(const std::filesystem::path& folder);

// The images of one phase: scenes, or the user's folder.
std::shared_ptr<const ImageSource> make_source(const SceneOptions& scenes,
                                               const std::optional<std::filesystem::path>& data,
                                               bool captioned_only);

}  // namespace unclip
