// Images that clients sent, as files for the engine: in a folder of the process that only its user may enter,
// removed when it ends. What a killed process left is removed by the next one.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <semaphore>
#include <string>

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

  // While it lives, an image is decoded, which may take 500 MB: a few at a time.
  class Turn {
   public:
    explicit Turn(Uploads& uploads) : turns_(uploads.turns_) { turns_.acquire(); }
    ~Turn() { turns_.release(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    std::counting_semaphore<>& turns_;
  };

 private:
  static constexpr int kAtATime = 2;

  std::counting_semaphore<> turns_{kAtATime};
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
  UploadFolder(Uploads& uploads, const Form& form, ImageOptions& options);

  // Of the images as they were sent, by key.
  const std::map<std::string, ImageSize>& sizes() const { return sizes_; }

 private:
  void expect_equal_sizes() const;

  std::map<std::string, ImageSize> sizes_;
  std::optional<PrivateFolder> folder_;  // removed also where the constructor throws
};

}  // namespace unclip
