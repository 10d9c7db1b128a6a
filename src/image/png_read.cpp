// PNG decoder on libpng's row interface. libpng reports errors by longjmp: every call that may fail runs in
// `guarded`, in a lambda without destructors, and leaves as our Error.
#include <png.h>
#include <spdlog/fmt/fmt.h>

#include <cerrno>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>

#include "unclip/image/png.h"
#include "unclip/support/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostPixels = 1U << 26;  // 8192 × 8192: a bomb is refused before memory is asked for
constexpr png_alloc_size_t kMostTextBytes = 4U << 20;  // of one text chunk, unpacked
constexpr png_uint_32 kMostTextChunks = 64;
constexpr std::size_t kSignatureBytes = 8;

class PngFile {
 public:
  explicit PngFile(const fs::path& path) : path_(path) {
    open();
    const auto ignore_warning = [](png_structp, png_const_charp) {};
    png_.reset(png_create_read_struct(PNG_LIBPNG_VER_STRING, &message_, on_error, ignore_warning));
    info_ = png_create_info_struct(png_.get());
    guarded([this] {
      png_init_io(png_.get(), file_.get());
      png_set_sig_bytes(png_.get(), kSignatureBytes);
      png_set_crc_action(png_.get(), PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
      png_set_user_limits(png_.get(), PNG_UINT_31_MAX,
                          PNG_UINT_31_MAX);  // check_size has the clearer message
      png_set_chunk_malloc_max(png_.get(), kMostTextBytes);
      png_set_chunk_cache_max(png_.get(), kMostTextChunks);
      png_read_info(png_.get(), info_);
    });
    check_size();
  }

  Image pixels() {
    guarded([this] {
      png_set_expand(png_.get());  // palette and few bits to 8 bits, transparent colour to alpha
      png_set_scale_16(png_.get());
      png_set_gray_to_rgb(png_.get());
      png_set_interlace_handling(png_.get());
      png_read_update_info(png_.get(), info_);
    });
    Image image{
        static_cast<int>(width()), static_cast<int>(height()), png_get_channels(png_.get(), info_), {}};
    const std::size_t stride = png_get_rowbytes(png_.get(), info_);
    image.pixels.resize(stride * height());
    std::vector<png_bytep> rows(height());
    for (std::size_t y = 0; y < rows.size(); ++y) {
      rows[y] = image.pixels.data() + y * stride;
    }
    guarded([this, &rows] {
      png_read_image(png_.get(), rows.data());
      png_read_end(png_.get(), info_);
    });
    return image;
  }

  PngText text() {
    std::vector<png_byte> row(png_get_rowbytes(png_.get(), info_));
    png_textp entries = nullptr;
    int count = 0;
    guarded([this, &row, &entries, &count] {  // through the pixels, since text may follow them
      const int passes = png_set_interlace_handling(png_.get());
      for (png_uint_32 y = 0; y < height() * static_cast<png_uint_32>(passes); ++y) {
        png_read_row(png_.get(), row.data(), nullptr);
      }
      png_read_end(png_.get(), info_);
      count = png_get_text(png_.get(), info_, &entries, nullptr);
    });
    PngText text;
    for (int i = 0; i < count; ++i) {
      const png_text& entry = entries[i];
      const bool utf8 = entry.compression >= PNG_ITXT_COMPRESSION_NONE;
      const std::string value(entry.text, utf8 ? entry.itxt_length : entry.text_length);
      text.push_back({latin1_to_utf8(entry.key), utf8 ? value : latin1_to_utf8(value)});
    }
    return text;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  struct Destroy {
    png_infop* info;
    void operator()(png_structp png) const { png_destroy_read_struct(&png, info, nullptr); }
  };

  [[noreturn]] void fail(const std::string& found, const std::string& hint = "make or copy the file again") {
    throw Error(ExitCode::io, fmt::format("{}: {}", path_.string(), found), hint);
  }

  void open() {
    if (fs::is_directory(path_)) {
      fail("is a folder, expected a PNG file", "name the files, e.g. FOLDER/*.png");
    }
    if (fs::exists(path_) && !fs::is_regular_file(path_)) {  // a pipe would be waited for
      fail("is no regular file, expected a PNG", "copy the picture into a file");
    }
    file_.reset(std::fopen(path_.c_str(), "rbe"));
    if (!file_) {
      fail(fmt::format("cannot be read: {}", std::strerror(errno)), "check the path");
    }
    png_byte signature[kSignatureBytes] = {};
    const std::size_t count = std::fread(signature, 1, kSignatureBytes, file_.get());
    if (count == 0) {
      fail("the file is empty, expected a PNG");
    }
    if (count < kSignatureBytes || png_sig_cmp(signature, 0, kSignatureBytes) != 0) {
      fail("is no PNG file (its first 8 bytes are not the PNG signature)", "convert it to PNG");
    }
  }

  void check_size() {
    if (std::uint64_t{width()} * height() > kMostPixels) {
      fail(fmt::format("has {} x {} pixels, expected at most {} in all", width(), height(), kMostPixels),
           "scale the picture down");
    }
  }

  png_uint_32 width() const { return png_get_image_width(png_.get(), info_); }
  png_uint_32 height() const { return png_get_image_height(png_.get(), info_); }

  static void on_error(png_structp png, png_const_charp message) {
    *static_cast<std::string*>(png_get_error_ptr(png)) = message;
    png_longjmp(png, 1);
  }

  template <typename Call>
  void guarded(const Call& call) {
    if (setjmp(png_jmpbuf(png_.get())) != 0) {  // NOLINT: libpng's way
      fail(std::feof(file_.get()) != 0 ? "the PNG ends too early (truncated)"
                                       : fmt::format("the PNG is corrupt: {}", message_));
    }
    call();
  }

  static std::string latin1_to_utf8(const std::string& text) {
    std::string utf8;
    for (const char c : text) {
      const auto code = static_cast<unsigned char>(c);
      if (code < 0x80) {
        utf8 += c;
      } else {
        utf8 += static_cast<char>(0xc0 | code >> 6);
        utf8 += static_cast<char>(0x80 | (code & 0x3f));
      }
    }
    return utf8;
  }

  fs::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string message_;
  png_infop info_ = nullptr;  // owned by png_'s deleter
  std::unique_ptr<png_struct, Destroy> png_{nullptr, Destroy{&info_}};
};

}  // namespace

Image read_png(const fs::path& path) { return PngFile(path).pixels(); }

PngText read_png_text(const fs::path& path) { return PngFile(path).text(); }

}  // namespace unclip
