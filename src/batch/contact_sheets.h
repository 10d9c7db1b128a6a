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
  // Called with each sheet, its name and the images on it.
  using Write = std::function<void(const std::filesystem::path& file, const std::vector<std::byte>& png,
                                   const std::vector<PlannedImage>& images)>;

  ContactSheets(const Grid& grid, Write write) : grid_(grid), write_(std::move(write)) {}

  // Images in the order of the run; every columns × rows of them make a sheet. An image whose file is not
  // there leaves its caption alone.
  void add(PlannedImage image);
  void finish();  // makes the last sheet, which may not be full

  // FIRST-grid.png, beside the first image on it.
  static std::filesystem::path name_of(const std::filesystem::path& first);

 private:
  void make();

  const Grid grid_;
  const Write write_;
  std::vector<PlannedImage> images_;
};

}  // namespace unclip
