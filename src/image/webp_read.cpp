// WebP decoder on libwebp, for files with one frame.
#include <spdlog/fmt/fmt.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "decoders.h"
#include "image/color_profile.h"
#include "unclip/error.h"

namespace unclip {
namespace {

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
using Demuxer = std::unique_ptr<WebPDemuxer, DeleteDemuxer>;

[[noreturn]] void refuse(const std::string& name) {
  throw Error(ExitCode::io, name + ": the WebP is corrupt or truncated", "create or copy the file again");
}

// Empty without one. It stays in the file's memory.
std::string_view chunk_of(const Demuxer& demuxer, const char* type) {
  WebPChunkIterator found{};
  std::string_view data;
  if (WebPDemuxGetChunk(demuxer.get(), type, 1, &found) != 0)
    data = {reinterpret_cast<const char*>(found.chunk.bytes), found.chunk.size};
  WebPDemuxReleaseChunkIterator(&found);
  return data;
}

// libwebp asks for the memory itself: what no pixel reaches is never touched, whatever a small file promises.
Image pixels(const WebPData& file, const std::string& name) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0 ||
      WebPGetFeatures(file.bytes, file.size, &config.input) != VP8_STATUS_OK)
    refuse(name);
  const std::unique_ptr<WebPDecBuffer, decltype(&WebPFreeDecBuffer)> owner(&config.output, WebPFreeDecBuffer);
  config.output.colorspace = config.input.has_alpha != 0 ? MODE_RGBA : MODE_RGB;
  if (WebPDecode(file.bytes, file.size, &config) != VP8_STATUS_OK) refuse(name);
  Image image{config.output.width, config.output.height, config.input.has_alpha != 0 ? 4 : 3, {}};
  const std::size_t stride = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.channels);
  const WebPRGBABuffer& rows = config.output.u.RGBA;
  image.pixels.reserve(stride * static_cast<std::size_t>(image.height));
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* row = rows.rgba + static_cast<std::ptrdiff_t>(y) * rows.stride;
    image.pixels.insert(image.pixels.end(), row, row + stride);
  }
  return image;
}

}  // namespace

Image decode_webp(std::string_view bytes, const std::string& name, std::uint64_t most) {
  const WebPData file{reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  const Demuxer demuxer(WebPDemux(&file));
  if (!demuxer) refuse(name);
  check_area(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
             WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT), name, most);
  if ((WebPDemuxGetI(demuxer.get(), WEBP_FF_FORMAT_FLAGS) & ANIMATION_FLAG) != 0)
    throw Error(ExitCode::io, fmt::format("{}: is an animation, expected an image with one frame", name),
                "save one of its frames as PNG");
  Image image = pixels(file, name);
  convert_to_srgb(image, chunk_of(demuxer, "ICCP"), /*is_gray=*/false);
  const std::optional<int> orientation = exif_orientation(chunk_of(demuxer, "EXIF"));
  return turned_upright(std::move(image), orientation.value_or(xmp_orientation(chunk_of(demuxer, "XMP "))));
}

}  // namespace unclip
