// GIF on giflib: each frame has a palette of its own.
#include <gif_lib.h>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <memory>

#include "image/animation.h"
#include "image/quantize.h"
#include "image/resize.h"
#include "unclip/error.h"

namespace unclip {
namespace {

constexpr int kColors = 256;
constexpr int kLongestSide = 65'535;  // pixels: its header has 16 bits for each

struct FreeColors {
  void operator()(ColorMapObject* colors) const { GifFreeMapObject(colors); }
};
using Colors = std::unique_ptr<ColorMapObject, FreeColors>;

void check(bool is_good) {
  if (!is_good) throw Error(ExitCode::internal, "the GIF could not be encoded");
}

Colors palette_of(const Quantized& image) {
  Colors palette(GifMakeMapObject(kColors, nullptr));  // black where there are fewer
  check(palette != nullptr);
  for (std::size_t k = 0; k < image.colors.size(); ++k)
    palette->Colors[k] = {image.colors[k][0], image.colors[k][1], image.colors[k][2]};
  return palette;
}

int append(GifFileType* gif, const GifByteType* data, int size) {
  auto& file = *static_cast<std::vector<std::byte>*>(gif->UserData);
  const auto* start = reinterpret_cast<const std::byte*>(data);
  file.insert(file.end(), start, start + size);
  return size;
}

struct CloseGif {
  void operator()(GifFileType* gif) const { EGifCloseFile(gif, nullptr); }
};

class GifWriter {
 public:
  GifWriter(std::vector<std::byte>& file, int width, int height)
      : gif_(EGifOpen(&file, append, nullptr)), width_(width), height_(height) {
    check(gif_ != nullptr);
    EGifSetGifVersion(gif_.get(), true);
    check(EGifPutScreenDesc(gif_.get(), width, height, 8, 0, nullptr) == GIF_OK);
    constexpr GifByteType kForEver[] = {1, 0, 0};
    check(EGifPutExtensionLeader(gif_.get(), APPLICATION_EXT_FUNC_CODE) == GIF_OK &&
          EGifPutExtensionBlock(gif_.get(), 11, "NETSCAPE2.0") == GIF_OK &&
          EGifPutExtensionBlock(gif_.get(), sizeof kForEver, kForEver) == GIF_OK &&
          EGifPutExtensionTrailer(gif_.get()) == GIF_OK);
  }

  void add(Quantized frame, int hundredths) {  // giflib writes to the pixels that it reads
    const GraphicsControlBlock control{DISPOSE_DO_NOT, false, hundredths, NO_TRANSPARENT_COLOR};
    std::array<GifByteType, 4> bytes{};
    const std::size_t size = EGifGCBToExtension(&control, bytes.data());
    check(EGifPutExtension(gif_.get(), GRAPHICS_EXT_FUNC_CODE, static_cast<int>(size), bytes.data()) ==
          GIF_OK);
    const Colors palette = palette_of(frame);
    check(EGifPutImageDesc(gif_.get(), 0, 0, width_, height_, false, palette.get()) == GIF_OK);
    for (int y = 0; y < height_; ++y)
      check(EGifPutLine(gif_.get(),
                        &frame.pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_)],
                        width_) == GIF_OK);
  }

  void finish() { check(EGifCloseFile(gif_.release(), nullptr) == GIF_OK); }

 private:
  std::unique_ptr<GifFileType, CloseGif> gif_;
  int width_, height_;
};

}  // namespace

std::vector<std::byte> encode_gif(const Frames& frames, int frame_ms) {
  constexpr int kFewestHundredths = 2;
  const Image& first = frames.images().front();
  if (std::max(first.width, first.height) > kLongestSide)
    throw Error(ExitCode::io,
                fmt::format("expected frames of at most {0}x{0} pixels for a GIF, found {1}x{2}",
                            kLongestSide, first.width, first.height),
                "write an APNG");
  std::vector<std::byte> file;
  GifWriter writer(file, first.width, first.height);
  for (const Image& frame : frames.images())
    writer.add(quantized(to_rgb(frame)), std::max((frame_ms + 5) / 10, kFewestHundredths));
  writer.finish();
  return file;
}

}  // namespace unclip
