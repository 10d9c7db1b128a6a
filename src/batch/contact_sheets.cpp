// Files of pictures → files of sheets (see the header).
#include "batch/contact_sheets.h"

#include "image/metadata.h"
#include "image/png.h"
#include "support/atomic_file.h"

namespace unclip {

void ContactSheets::add(PlannedImage picture) {
  pictures_.push_back(std::move(picture));
  if (pictures_.size() == grid_.cells()) write();
}

void ContactSheets::finish() {
  if (!pictures_.empty()) write();
}

std::filesystem::path ContactSheets::name_of(const std::filesystem::path& first) {
  return first.parent_path() / (first.stem().string() + "-grid.png");
}

void ContactSheets::write() {
  std::vector<CaptionedImage> images;
  for (const PlannedImage& picture : pictures_)
    images.push_back({exists(picture.file) ? read_png(picture.file) : Image{}, picture.options.prompt});
  const std::filesystem::path file = name_of(pictures_.front().file);
  write_file_atomically(file, encode_png(contact_sheet(images, grid_), source_type_text()),
                        replaces(pictures_.front().options) ? Overwrite::yes : Overwrite::no);
  print_(file, pictures_);
  pictures_.clear();
}

}  // namespace unclip
