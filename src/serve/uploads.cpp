// Uploads → private files → options (see the header).
#include "serve/uploads.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>

#include "image/image_file.h"
#include "image/png.h"
#include "image/resize.h"
#include "options/check_options.h"
#include "options/model_use.h"
#include "serve/api_error.h"
#include "support/atomic_file.h"
#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRootPrefix = "unclip-serve-";
constexpr int kLongestSide = 1024;              // pixels of an image: no call gives back more
constexpr int kLongestCanvas = 2048;            // pixels, with the margins to outpaint
constexpr uint64_t kMostUploaded = 32'000'000;  // pixels: beyond, decoding costs too much memory

// The lock of a living process; -1: another one holds it.
int take_lock(const fs::path& root) {
  const int lock = ::open((root / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock >= 0 && ::flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  if (lock >= 0) ::close(lock);
  return -1;
}

void remove_leftover_roots(const fs::path& parent) {
  std::error_code unusable;
  for (const auto& entry : fs::directory_iterator(parent, unusable)) {
    struct stat status {};
    if (!entry.path().filename().string().starts_with(kRootPrefix) ||
        ::lstat(entry.path().c_str(), &status) != 0 || !S_ISDIR(status.st_mode) ||
        status.st_uid != ::geteuid() || !fs::exists(entry.path() / "lock", unusable))
      continue;
    const int lock = take_lock(entry.path());
    if (lock < 0) continue;
    fs::remove_all(entry.path(), unusable);
    ::close(lock);
  }
}

Image decode(const FormFile& file) {
  try {
    return decode_image(file.bytes, file.key, kMostUploaded);
  } catch (const Error& fault) {
    throw ApiError(400, fault.what(), file.key, "invalid_image");
  }
}

Image shrunk(const Image& image) {
  const double shrink = static_cast<double>(kLongestSide) / std::max(image.width, image.height);
  if (shrink >= 1) return image;
  const auto side = [&](int pixels) { return std::max(1, static_cast<int>(std::lround(pixels * shrink))); };
  return resize(image, side(image.width), side(image.height), ResizeFilter::lanczos, /*reduce_first=*/true);
}

// OpenAI's masks are transparent where to repaint, ours are white.
Image white_where_transparent(const Image& mask) {
  std::optional<Image> alpha = alpha_plane(mask);
  if (!alpha || std::ranges::all_of(alpha->pixels, [](uint8_t value) { return value == 255; })) return mask;
  for (uint8_t& value : alpha->pixels) value = static_cast<uint8_t>(255 - value);
  return *alpha;
}

// A canvas is worked on as a whole, also where the model sees a part of it.
void expect_canvas(const Image& image, const Margins& margins) {
  const int width = image.width + margins.left + margins.right;
  const int height = image.height + margins.top + margins.bottom;
  if (std::max(width, height) <= kLongestCanvas) return;
  throw ApiError(400,
                 fmt::format("outpaint: expected a canvas of at most {} pixels a side, found {}x{}",
                             kLongestCanvas, width, height),
                 "outpaint");
}

}  // namespace

Uploads::Uploads() {
  std::error_code unusable;
  const fs::path parent = fs::temp_directory_path(unusable);
  if (unusable)
    throw Error(ExitCode::io, "TMPDIR: expected a folder, found none: " + unusable.message(),
                "set TMPDIR to a folder that is writable");
  remove_leftover_roots(parent);
  // Another server that starts at this moment may take a folder that is not locked yet for a leftover.
  for (int tries = 10; tries > 0; --tries) {
    folder_.emplace(parent, kRootPrefix);
    lock_ = take_lock(root());
    struct stat status {};
    if (lock_ >= 0 && ::fstat(lock_, &status) == 0 && status.st_nlink > 0) return;
    if (lock_ >= 0) ::close(lock_);
  }
  throw Error(ExitCode::io, root().string() + ": cannot be locked", "set TMPDIR to a folder on a local disk");
}

Uploads::~Uploads() {
  folder_.reset();  // under its lock
  ::close(lock_);
}

UploadFolder::UploadFolder(Uploads& uploads, const Form& form, ImageOptions& options) {
  if (!form.files.empty()) folder_.emplace(uploads.root(), "");
  for (const FormFile& file : form.files) {
    const Uploads::Turn turn(uploads);
    Image image = decode(file);
    sizes_[file.key] = {image.width, image.height};
    image = shrunk(image);
    if (file.key == "image" && options.outpaint) expect_canvas(image, *options.outpaint);
    if (file.key == "mask") image = white_where_transparent(image);
    const fs::path path = folder_->path() / (file.key + ".png");
    write_file_atomically(path, encode_png(image), Overwrite::no);
    if (file.key == "image") options.image = path;
    if (file.key == "mask") options.mask = path;
    if (file.key == "from") options.source = kImageEnd + path.string();
    if (file.key == "to") options.target = kImageEnd + path.string();
  }
  expect_equal_sizes();
  try {
    check_together(options);
  } catch (const std::invalid_argument& fault) {
    const std::string what = fault.what();
    throw ApiError(400, what, what.substr(0, what.find(':')));
  }
}

// Of what was sent: shrunk, other sizes could look alike.
void UploadFolder::expect_equal_sizes() const {
  const auto image = sizes_.find("image"), mask = sizes_.find("mask");
  if (image == sizes_.end() || mask == sizes_.end() || image->second == mask->second) return;
  throw ApiError(400,
                 fmt::format("mask: expected {}x{} pixels as the image has, found {}x{}", image->second.width,
                             image->second.height, mask->second.width, mask->second.height),
                 "mask");
}

}  // namespace unclip
