// JPEG decoder on libjpeg's row interface. libjpeg reports errors through a callback that must not return: it
// jumps back to `guarded`, which throws ours.
#include <cstdio>
// jpeglib.h needs FILE
#include <jerror.h>
#include <jpeglib.h>
#include <spdlog/fmt/fmt.h>

#include <csetjmp>
#include <cstdlib>
#include <memory>

#include "decoders.h"
#include "image/color_profile.h"
#include "unclip/error.h"

namespace unclip {
namespace {

struct JpegError : jpeg_error_mgr {
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
  bool ended = false;  // the file, before its end marker
};

[[noreturn]] void leave(j_common_ptr jpeg) {
  auto* error = static_cast<JpegError*>(jpeg->err);
  error->format_message(jpeg, error->message);
  std::longjmp(error->back, 1);
}

// Most warnings are about bytes that harm nothing. But libjpeg also warns where the file ends and goes on
// with gray: half an image is an error, unless only the end marker was lacking.
void warn(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  auto* error = static_cast<JpegError*>(jpeg->err);
  const bool progressive = reinterpret_cast<j_decompress_ptr>(jpeg)->progressive_mode != 0;
  error->ended |= error->msg_code == JWRN_JPEG_EOF;
  if (error->ended && (progressive || error->msg_code == JWRN_HIT_MARKER)) leave(jpeg);
}

// One row of ink, inverted as Adobe's programs write it, to light: as Pillow computes it.
void ink_to_light(const std::vector<JSAMPLE>& ink, std::vector<std::uint8_t>& pixels) {
  for (std::size_t i = 0; i < ink.size(); i += 4) {
    const int light = ink[i + 3];  // 255 − black
    for (std::size_t c = 0; c < 3; ++c) {
      const int product = (255 - ink[i + c]) * light + 128;
      pixels.push_back(static_cast<std::uint8_t>(light - (((product >> 8) + product) >> 8)));
    }
  }
}

// Each scan goes over the whole image, whatever few bytes it has: real files have 10.
void count_scans(j_common_ptr jpeg) {
  constexpr int kMostScans = 100;
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= kMostScans) return;
  auto* error = static_cast<JpegError*>(jpeg->err);
  std::snprintf(error->message, sizeof error->message, "more than %d scans", kMostScans);
  std::longjmp(error->back, 1);
}

class JpegFile {
 public:
  JpegFile(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {
    jpeg_.err = jpeg_std_error(&error_);
    error_.error_exit = leave;
    error_.emit_message = warn;
    jpeg_create_decompress(&jpeg_);
    progress_.progress_monitor = count_scans;
    jpeg_.progress = &progress_;
  }
  JpegFile(const JpegFile&) = delete;
  JpegFile& operator=(const JpegFile&) = delete;
  ~JpegFile() { jpeg_destroy_decompress(&jpeg_); }

  Image pixels(std::uint64_t most) {
    guarded([this] {
      jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
      jpeg_save_markers(&jpeg_, JPEG_APP0 + 1, 0xFFFF);  // EXIF and XMP
      jpeg_save_markers(&jpeg_, JPEG_APP0 + 2, 0xFFFF);  // ICC profile
      jpeg_read_header(&jpeg_, TRUE);
    });
    check_area(jpeg_.image_width, jpeg_.image_height, name_, most);
    const bool ink = jpeg_.num_components == 4;
    jpeg_.out_color_space = ink ? JCS_CMYK : JCS_RGB;
    Image image{static_cast<int>(jpeg_.image_width), static_cast<int>(jpeg_.image_height), 3, {}};
    const std::size_t stride = std::size_t{3} * jpeg_.image_width;
    std::vector<JSAMPLE> row(ink ? std::size_t{4} * jpeg_.image_width : 0);
    image.pixels.reserve(stride * jpeg_.image_height);  // touched as far as rows come
    const std::string profile = color_profile();
    const ToSrgb to_srgb(ink ? profile : "", TYPE_CMYK_8_REV, TYPE_RGB_8);  // ink inverted, as below
    guarded([this] { jpeg_start_decompress(&jpeg_); });
    while (jpeg_.output_scanline < jpeg_.output_height) {
      const std::size_t begin = image.pixels.size();
      if (!ink || to_srgb) image.pixels.resize(begin + stride);
      JSAMPROW to = ink ? row.data() : &image.pixels[begin];
      guarded([this, &to] { jpeg_read_scanlines(&jpeg_, &to, 1); });
      if (to_srgb)
        to_srgb.convert(row.data(), &image.pixels[begin], jpeg_.image_width);
      else if (ink)
        ink_to_light(row, image.pixels);
    }
    if (!ink) convert_to_srgb(image, profile, jpeg_.jpeg_color_space == JCS_GRAYSCALE);
    return turned_upright(std::move(image), orientation());
  }

 private:
  // ICC, empty without a whole one.
  std::string color_profile() {
    JOCTET* data = nullptr;
    unsigned size = 0;
    guarded([&] { jpeg_read_icc_profile(&jpeg_, &data, &size); });
    const std::unique_ptr<JOCTET, decltype(&std::free)> owner(data, std::free);
    return {reinterpret_cast<const char*>(data), size};
  }

  // Long EXIF goes on in further markers, each with its name before it.
  int orientation() const {
    constexpr std::string_view kExif("Exif\0\0", 6), kXmp("http://ns.adobe.com/xap/1.0/\0", 29);
    std::string exif;
    std::string_view xmp;
    for (const auto* marker = jpeg_.marker_list; marker != nullptr; marker = marker->next) {
      std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (data.starts_with(kExif)) exif += exif.empty() ? data : data.substr(kExif.size());
      if (data.starts_with(kXmp)) xmp = data.substr(kXmp.size());
    }
    return exif_orientation(exif).value_or(xmp_orientation(xmp));
  }

  template <typename Call>
  void guarded(const Call& call) {
    if (setjmp(error_.back) != 0)  // NOLINT: libjpeg's way
      throw Error(ExitCode::io,
                  fmt::format("{}: the JPEG is corrupt or truncated: {}", name_, error_.message),
                  "create or copy the file again");
    call();
  }

  std::string_view bytes_;
  const std::string& name_;
  JpegError error_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct jpeg_{};
};

}  // namespace

Image decode_jpeg(std::string_view bytes, const std::string& name, std::uint64_t most) {
  return JpegFile(bytes, name).pixels(most);
}

}  // namespace unclip
