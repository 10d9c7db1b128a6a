// Files of images → files of sheets (see the header).
#include "batch/contact_sheets.h"

#include "image/metadata.h"
#include "image/png.h"

namespace unclip {

void ContactSheets::add(PlannedImage image) {
  images_.push_back(std::move(image));
  if (images_.size() == grid_.cells()) make();
}

void ContactSheets::finish() {
  if (!images_.empty()) make();
}

std::filesystem::path ContactSheets::name_of(const std::filesystem::path& first) {
  return first.parent_path() / (first.stem().string() + "-grid.png");
}

void ContactSheets::make() {
  std::vector<CaptionedImage> images;
  for (const PlannedImage& image : images_)
    images.push_back({exists(image.file) ? read_png(image.file) : Image{}, image.options.prompt});
  write_(name_of(images_.front().file), encode_png(contact_sheet(images, grid_), source_type_text()),
         images_);
  images_.clear();
}

}  // namespace unclip
