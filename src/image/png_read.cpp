// PNG decoder on libpng's row interface. libpng reports errors by longjmp: every call that may fail runs in
// `guarded`, in a lambda without destructors, and leaves as our Error.
#include <png.h>
#include <spdlog/fmt/fmt.h>

#include <csetjmp>
#include <cstring>
#include <memory>

#include "decoders.h"
#include "image/color_profile.h"
#include "image/image_file.h"
#include "image/png.h"
#include "png_chunks.h"
#include "support/read_file.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

constexpr png_alloc_size_t kMostTextBytes = 4U << 20;  // of one text chunk, unpacked
constexpr png_uint_32 kMostTextChunks = 64;
constexpr std::uint64_t kMostPacking = 1040;  // deflate's best: 258 bytes in 2 bits

class PngFile {
 public:
  // `strict`: the whole file is checked, not only what the pixels need.
  PngFile(std::string_view bytes, const std::string& name, bool strict, std::uint64_t most = kMostPixels)
      : bytes_(bytes), name_(name), strict_(strict) {
    check_signature();
    chunks_ = scan_png(bytes_);
    if (strict && !chunks_.is_whole) fail("the PNG is truncated");
    bytes_ = bytes_.substr(0, chunks_.end);  // libpng asks for a chunk's memory before it has the chunk
    const auto ignore_warning = [](png_structp, png_const_charp) {};
    png_.reset(png_create_read_struct(PNG_LIBPNG_VER_STRING, &message_, on_error, ignore_warning));
    info_ = png_create_info_struct(png_.get());
    guarded([this] {
      png_set_read_fn(png_.get(), this, read);
      const int damaged = strict_ ? PNG_CRC_ERROR_QUIT : PNG_CRC_QUIET_USE;
      png_set_crc_action(png_.get(), damaged, damaged);
      png_set_user_limits(png_.get(), PNG_UINT_31_MAX,
                          PNG_UINT_31_MAX);  // check_size has the clearer message
      png_set_chunk_malloc_max(png_.get(), kMostTextBytes);
      png_set_chunk_cache_max(png_.get(), kMostTextChunks);
      png_read_info(png_.get(), info_);
    });
    check_size(most);
  }

  Image pixels() {
    guarded([this] {
      png_set_expand(png_.get());    // palette and few bits to 8 bits, transparent color to alpha
      png_set_scale_16(png_.get());  // value / 257, rounded
      png_set_gray_to_rgb(png_.get());
      png_set_interlace_handling(png_.get());
      png_read_update_info(png_.get(), info_);
    });
    Image image{
        static_cast<int>(width()), static_cast<int>(height()), png_get_channels(png_.get(), info_), {}};
    const std::size_t stride = png_get_rowbytes(png_.get(), info_);
    image.pixels.resize(stride * height());
    std::vector<png_bytep> rows(height());
    for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = image.pixels.data() + y * stride;
    guarded([this, &rows] {
      png_read_image(png_.get(), rows.data());
      if (strict_) png_read_end(png_.get(), info_);
    });
    return image;
  }

  int orientation() const { return chunks_.orientation; }

  // Of the file; pixels() turns gray into RGB.
  bool is_gray() const { return (png_get_color_type(png_.get(), info_) & PNG_COLOR_MASK_COLOR) == 0; }

  // ICC; libpng takes it only where it suits the colors. Empty without one.
  std::string_view profile() const {
    png_charp profile_name = nullptr;
    png_bytep profile = nullptr;
    int compression = 0;
    png_uint_32 size = 0;
    if (png_get_iCCP(png_.get(), info_, &profile_name, &compression, &profile, &size) == 0) return {};
    return {reinterpret_cast<const char*>(profile), size};
  }

  PngText text() {
    std::vector<png_byte> row(png_get_rowbytes(png_.get(), info_));
    png_textp entries = nullptr;
    int count = 0;
    guarded([this, &row, &entries, &count] {  // through the pixels, since text may follow them
      const int passes = png_set_interlace_handling(png_.get());
      for (png_uint_32 y = 0; y < height() * static_cast<png_uint_32>(passes); ++y)
        png_read_row(png_.get(), row.data(), nullptr);
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
  struct Destroy {
    png_infop* info;
    void operator()(png_structp png) const { png_destroy_read_struct(&png, info, nullptr); }
  };

  [[noreturn]] void fail(const std::string& found,
                         const std::string& hint = "create or copy the file again") {
    throw Error(ExitCode::io, fmt::format("{}: {}", name_, found), hint);
  }

  void check_signature() {
    if (bytes_.empty()) fail("the file is empty, expected a PNG");
    if (bytes_.size() < kSignatureBytes ||
        png_sig_cmp(reinterpret_cast<png_const_bytep>(bytes_.data()), 0, kSignatureBytes) != 0)
      fail("not a PNG file (its first 8 bytes are not the PNG signature)", "convert it to PNG");
  }

  // Before memory is asked for: a bomb is too large, or promises more than its bytes can unpack to.
  void check_size(std::uint64_t most) {
    check_area(width(), height(), name_, most);
    if (png_get_rowbytes(png_.get(), info_) * height() > (chunks_.pixel_bytes + 1) * kMostPacking)
      fail("the PNG is truncated");
  }

  png_uint_32 width() const { return png_get_image_width(png_.get(), info_); }
  png_uint_32 height() const { return png_get_image_height(png_.get(), info_); }

  static void read(png_structp png, png_bytep to, std::size_t count) {
    auto* self = static_cast<PngFile*>(png_get_io_ptr(png));
    if (count > self->bytes_.size() - self->at_) png_error(png, "ends too early");
    std::memcpy(to, self->bytes_.data() + self->at_, count);
    self->at_ += count;
  }

  static void on_error(png_structp png, png_const_charp message) {
    *static_cast<std::string*>(png_get_error_ptr(png)) = message;
    png_longjmp(png, 1);
  }

  template <typename Call>
  void guarded(const Call& call) {
    if (setjmp(png_jmpbuf(png_.get())) != 0)  // NOLINT: libpng's way
      fail(message_ == "ends too early" ? "the PNG is truncated"
                                        : fmt::format("the PNG is corrupt: {}", message_));
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

  std::string_view bytes_;
  std::size_t at_ = 0;  // how far libpng has read
  const std::string& name_;
  bool strict_;
  PngChunks chunks_;
  std::string message_;
  png_infop info_ = nullptr;  // owned by png_'s deleter
  std::unique_ptr<png_struct, Destroy> png_{nullptr, Destroy{&info_}};
};

}  // namespace

Image decode_png(std::string_view bytes, const std::string& name, std::uint64_t most) {
  PngFile file(bytes, name, /*strict=*/false, most);
  const bool is_gray = file.is_gray();
  Image image = file.pixels();
  convert_to_srgb(image, file.profile(), is_gray);
  return turned_upright(std::move(image), file.orientation());
}

Image read_png(const fs::path& path) {
  const std::string bytes = read_image_bytes(path), name = path.string();
  return PngFile(bytes, name, /*strict=*/true).pixels();
}

PngText read_png_text(const fs::path& path) {
  const std::string bytes = read_image_bytes(path), name = path.string();
  return PngFile(bytes, name, /*strict=*/true).text();
}

}  // namespace unclip
