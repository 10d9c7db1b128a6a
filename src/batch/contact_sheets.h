// Contact sheets of a run's pictures, for --grid: made from the files, so that pictures of earlier runs stand
// on them, too.
#pragma once

#include <functional>
#include <vector>

#include "batch/planned_image.h"
#include "image/contact_sheet.h"

namespace unclip {

class ContactSheets {
 public:
  // `print`: called with each sheet that was written and the pictures on it.
  using Print = std::function<void(const std::filesystem::path&, const std::vector<PlannedImage>&)>;

  ContactSheets(const Grid& grid, Print print) : grid_(grid), print_(std::move(print)) {}

  // Pictures in the order of the run; every columns × rows of them make a sheet. A picture whose file is not
  // there leaves its caption alone.
  void add(PlannedImage picture);
  void finish();  // writes the last sheet, which may not be full

  // FIRST-grid.png, beside the first picture on it.
  static std::filesystem::path name_of(const std::filesystem::path& first);

  // Whether a sheet may take the place of a file. One of pictures that were skipped has nothing new to lose.
  static bool replaces(const ImageOptions& first) { return first.overwrite || first.skip_existing; }

 private:
  void write();

  const Grid grid_;
  const Print print_;
  std::vector<PlannedImage> pictures_;
};

}  // namespace unclip
