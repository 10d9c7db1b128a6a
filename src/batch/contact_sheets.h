// Contact sheets of a run's images, for --grid: made from the files, so that images of earlier runs stand
// on them, too.
#pragma once

#include <functional>
#include <vector>

#include "batch/planned_image.h"
#include "image/contact_sheet.h"

namespace unclip {

class ContactSheets {
 public:
  // `print`: called with each sheet that was written and the images on it.
  using Print = std::function<void(const std::filesystem::path&, const std::vector<PlannedImage>&)>;

  ContactSheets(const Grid& grid, Print print) : grid_(grid), print_(std::move(print)) {}

  // Images in the order of the run; every columns × rows of them make a sheet. An image whose file is not
  // there leaves its caption alone.
  void add(PlannedImage image);
  void finish();  // writes the last sheet, which may not be full

  // FIRST-grid.png, beside the first image on it.
  static std::filesystem::path name_of(const std::filesystem::path& first);

  // Whether a sheet may take the place of a file. One of images that were skipped has nothing new to lose.
  static bool replaces(const ImageOptions& first) { return first.overwrite || first.skip_existing; }

 private:
  void write();

  const Grid grid_;
  const Print print_;
  std::vector<PlannedImage> images_;
};

}  // namespace unclip
