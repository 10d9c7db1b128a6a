// JPEG decoder on libjpeg's row interface, and the choice between both kinds of file. libjpeg reports errors
// through a callback that must not return: it jumps back to `guarded`, which throws ours.
#include "unclip/image/picture_file.h"

#include <cstdio>
// jpeglib.h needs FILE
#include <jpeglib.h>
#include <spdlog/fmt/fmt.h>

#include <cerrno>
#include <csetjmp>
#include <cstring>
#include <fstream>
#include <memory>

#include "unclip/image/exif.h"
#include "unclip/image/png.h"
#include "unclip/support/error.h"

namespace unclip {
namespace {

constexpr std::uint64_t kMostJpegPixels = 1U << 26;

struct JpegError : jpeg_error_mgr {
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void leave(j_common_ptr jpeg) {
  auto* error = static_cast<JpegError*>(jpeg->err);
  error->format_message(jpeg, error->message);
  std::longjmp(error->back, 1);
}

// libjpeg fills up what is missing and warns; half a picture is an error here.
void warn(j_common_ptr jpeg, int level) {
  if (level < 0) leave(jpeg);
}

class JpegFile {
 public:
  explicit JpegFile(const std::filesystem::path& path) : path_(path), file_(std::fopen(path.c_str(), "rbe")) {
    if (!file_) fail(fmt::format("cannot be read: {}", std::strerror(errno)), "check the path");
    jpeg_.err = jpeg_std_error(&error_);
    error_.error_exit = leave;
    error_.emit_message = warn;
    jpeg_create_decompress(&jpeg_);
  }
  JpegFile(const JpegFile&) = delete;
  JpegFile& operator=(const JpegFile&) = delete;
  ~JpegFile() {
    if (file_) jpeg_destroy_decompress(&jpeg_);
  }

  Image pixels() {
    guarded([this] {
      jpeg_stdio_src(&jpeg_, file_.get());
      jpeg_save_markers(&jpeg_, JPEG_APP0 + 1, 0xFFFF);  // EXIF
      jpeg_read_header(&jpeg_, TRUE);
    });
    if (std::uint64_t{jpeg_.image_width} * jpeg_.image_height > kMostJpegPixels)
      fail(fmt::format("has {} x {} pixels, expected at most {} in all", jpeg_.image_width,
                       jpeg_.image_height, kMostJpegPixels),
           "scale the picture down");
    int orientation = 1;
    for (auto* marker = jpeg_.marker_list; marker != nullptr && orientation == 1; marker = marker->next)
      orientation = exif_orientation({marker->data, marker->data_length});
    jpeg_.out_color_space = JCS_RGB;
    Image image{static_cast<int>(jpeg_.image_width), static_cast<int>(jpeg_.image_height), 3, {}};
    image.pixels.resize(std::size_t{3} * jpeg_.image_width * jpeg_.image_height);
    guarded([this, &image] {
      jpeg_start_decompress(&jpeg_);
      while (jpeg_.output_scanline < jpeg_.output_height) {
        JSAMPROW row = &image.pixels[std::size_t{3} * jpeg_.image_width * jpeg_.output_scanline];
        jpeg_read_scanlines(&jpeg_, &row, 1);
      }
      jpeg_finish_decompress(&jpeg_);
    });
    return turned_upright(std::move(image), orientation);
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  [[noreturn]] void fail(const std::string& found, const std::string& hint) {
    throw Error(ExitCode::io, fmt::format("{}: {}", path_.string(), found), hint);
  }

  template <typename Call>
  void guarded(const Call& call) {
    if (setjmp(error_.back) != 0)  // NOLINT: libjpeg's way
      fail(fmt::format("the JPEG is corrupt or ends too early: {}", error_.message),
           "make or copy the file again");
    call();
  }

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  JpegError error_{};
  jpeg_decompress_struct jpeg_{};
};

}  // namespace

Image read_jpeg(const std::filesystem::path& path) { return JpegFile(path).pixels(); }

Image read_picture(const std::filesystem::path& path) {
  char start[4] = {};
  std::ifstream(path, std::ios::binary).read(start, sizeof(start));
  if (std::memcmp(start, "\xFF\xD8\xFF", 3) == 0) return read_jpeg(path);
  if (start[0] != '\0' && std::memcmp(start, "\x89PNG", 4) != 0)
    throw Error(ExitCode::io, path.string() + ": is no picture, expected a PNG or JPEG file",
                "convert it to PNG");
  return read_png(path);
}

}  // namespace unclip
