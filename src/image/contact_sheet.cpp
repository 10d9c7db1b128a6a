// Contact sheets: cell sizes from the images, captions wrapped to the cell's width.
#include "image/contact_sheet.h"

#include <cairo.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <memory>
#include <sstream>

#include "unclip/error.h"

namespace unclip {
namespace {

constexpr int kMargin = 8;       // pixels around each cell
constexpr int kLeastCell = 160;  // a cell of small images is wider than they, or captions would not fit
constexpr int kCaptionLines = 2;
constexpr const char* kEllipsis = "…";

struct DestroyCairo {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
  void operator()(cairo_t* context) const { cairo_destroy(context); }
};

struct CellSize {
  int width = kLeastCell, image = 0;  // height of the image's part
  int font = 0, line = 0;             // heights in pixels

  explicit CellSize(std::span<const CaptionedImage> images) {
    for (const CaptionedImage& p : images) {
      width = std::max(width, p.image.width);
      image = std::max(image, p.image.height);
    }
    font = std::clamp(width / 16, 12, 28);
    line = font * 4 / 3;
  }
  int outer_width() const { return width + 2 * kMargin; }
  int outer_height() const { return image + kCaptionLines * line + 3 * kMargin; }
};

double width_of(cairo_t* context, const std::string& text) {
  cairo_text_extents_t extents;
  cairo_text_extents(context, text.c_str(), &extents);
  return extents.x_advance;
}

// The whole characters in the first `size` bytes.
std::string begin_of(const std::string& text, std::size_t size) {
  if (size >= text.size()) return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

// The longest beginning that fits with an ellipsis behind it.
std::string shortened(cairo_t* context, const std::string& text, double width) {
  std::size_t fits = 0, too_long = text.size() + 1;  // bytes
  while (too_long - fits > 1) {
    const std::size_t middle = (fits + too_long) / 2;
    (width_of(context, begin_of(text, middle) + kEllipsis) <= width ? fits : too_long) = middle;
  }
  return begin_of(text, fits) + kEllipsis;
}

// Breaks at white space. A word that is longer than a line is cut, and so is the last line when more follows.
// Of a word of megabytes no more is measured than a line could hold: every visible character takes more
// pixels than bytes.
std::vector<std::string> wrap(cairo_t* context, const std::string& caption, int width) {
  std::istringstream words(caption);
  std::vector<std::string> lines;
  for (std::string word; words >> word;) {
    word = begin_of(word, static_cast<std::size_t>(width));
    const std::string longer = lines.empty() ? word : lines.back() + ' ' + word;
    if (!lines.empty() && width_of(context, longer) <= width) {
      lines.back() = longer;
    } else if (lines.size() == kCaptionLines) {
      lines.back() = shortened(context, longer, width);
      break;
    } else {
      lines.push_back(width_of(context, word) <= width ? word : shortened(context, word, width));
    }
  }
  return lines;
}

// cairo's pixels are 0x00RRGGBB.
void copy_image(const Image& image, cairo_surface_t* sheet, int left, int top) {
  unsigned char* data = cairo_image_surface_get_data(sheet);
  const int stride = cairo_image_surface_get_stride(sheet);
  const std::uint8_t* rgb = image.pixels.data();
  for (int y = 0; y < image.height; ++y) {
    auto* row = reinterpret_cast<std::uint32_t*>(data + static_cast<ptrdiff_t>(top + y) * stride) + left;
    for (int x = 0; x < image.width; ++x, rgb += image.channels)
      row[x] = static_cast<std::uint32_t>(rgb[0] << 16 | rgb[1] << 8 | rgb[2]);
  }
}

Image to_image(cairo_surface_t* sheet) {
  const int width = cairo_image_surface_get_width(sheet), height = cairo_image_surface_get_height(sheet);
  const unsigned char* data = cairo_image_surface_get_data(sheet);
  Image image{width, height, 3, {}};
  image.pixels.reserve(static_cast<size_t>(width) * static_cast<size_t>(height) * 3);
  for (int y = 0; y < height; ++y) {
    const auto* row = reinterpret_cast<const std::uint32_t*>(
        data + static_cast<ptrdiff_t>(y) * cairo_image_surface_get_stride(sheet));
    for (int x = 0; x < width; ++x)
      for (const int shift : {16, 8, 0}) image.pixels.push_back(static_cast<std::uint8_t>(row[x] >> shift));
  }
  return image;
}

}  // namespace

Image contact_sheet(std::span<const CaptionedImage> images, const Grid& grid) {
  const CellSize cell(images);
  const int count = static_cast<int>(images.size());
  const int columns = std::min(grid.columns, count), rows = (count + columns - 1) / columns;
  const std::unique_ptr<cairo_surface_t, DestroyCairo> sheet(cairo_image_surface_create(
      CAIRO_FORMAT_RGB24, columns * cell.outer_width(), rows * cell.outer_height()));
  if (cairo_surface_status(sheet.get()) != CAIRO_STATUS_SUCCESS)
    throw Error(ExitCode::usage,
                fmt::format("grid: a sheet of {}x{} pixels is too large", columns * cell.outer_width(),
                            rows * cell.outer_height()),
                "use fewer columns or rows, e.g. 4x4", {.field = "grid"});
  const std::unique_ptr<cairo_t, DestroyCairo> context(cairo_create(sheet.get()));
  cairo_set_source_rgb(context.get(), 1, 1, 1);
  cairo_paint(context.get());
  cairo_set_source_rgb(context.get(), 0, 0, 0);
  cairo_select_font_face(context.get(), "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(context.get(), cell.font);

  for (int i = 0; i < count; ++i) {
    const auto& [image, caption] = images[static_cast<size_t>(i)];
    const int left = i % columns * cell.outer_width() + kMargin;
    const int top = i / columns * cell.outer_height() + kMargin;
    int baseline = top + cell.image + kMargin + cell.font;
    for (const std::string& line : wrap(context.get(), caption, cell.width)) {
      cairo_move_to(context.get(), left + (cell.width - width_of(context.get(), line)) / 2, baseline);
      cairo_show_text(context.get(), line.c_str());
      baseline += cell.line;
    }
    cairo_surface_flush(sheet.get());
    copy_image(image, sheet.get(), left + (cell.width - image.width) / 2,
               top + (cell.image - image.height) / 2);
    cairo_surface_mark_dirty(sheet.get());
  }
  return to_image(sheet.get());
}

}  // namespace unclip
