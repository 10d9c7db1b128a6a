// Images that clients sent, as files for the engine: in a folder of the process that only its user may enter,
// removed when it ends. What a killed process left is removed by the next one.
#pragma once

#include <filesystem>
#include <optional>

#include "serve/form.h"
#include "support/private_folder.h"
#include "unclip/image_options.h"

namespace unclip {

class Uploads {
 public:
  Uploads();  // throws Error(io)
  ~Uploads();
  Uploads(const Uploads&) = delete;
  Uploads& operator=(const Uploads&) = delete;

  const std::filesystem::path& root() const { return folder_->path(); }

 private:
  std::optional<PrivateFolder> folder_;
  int lock_ = -1;
};

// The files of one call, for as long as this lives.
class UploadFolder {
 public:
  // Writes the files of the form, decoded and as PNGs of at most 1024 pixels a side, and names them in the
  // options. A mask with transparency becomes one that is white where it was transparent. Throws
  // ApiError(400) for what is no image or too large, and where options and files do not go together;
  // Error(io).
  UploadFolder(const Uploads& uploads, const Form& form, ImageOptions& options);

 private:
  std::optional<PrivateFolder> folder_;  // removed also where the constructor throws
};

}  // namespace unclip
