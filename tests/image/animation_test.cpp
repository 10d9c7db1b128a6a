// Animations: the chunks of an APNG by their specification, a GIF read back by giflib.
#include "image/animation.h"

#include <gif_lib.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "image/difference.h"
#include "image/image_file.h"
#include "image/png_files.h"
#include "image/resize.h"
#include "refusal.h"

namespace unclip {
namespace {

using namespace testing_png;

// A disc that moves over soft colors.
std::vector<Image> moving_disc(int count, int width, int height) {
  std::vector<Image> frames;
  for (int f = 0; f < count; ++f) {
    Image image{width, height, 3, {}};
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const bool inside = std::hypot(x - width * (f + 1) / (count + 1), y - height / 2) < height / 4.0;
        const int soft = 255 * x / width;
        for (const int value :
             {inside ? 250 : soft, inside ? 40 : 255 * y / height, inside ? 30 : 255 - soft})
          image.pixels.push_back(static_cast<std::uint8_t>(value));
      }
    frames.push_back(image);
  }
  return frames;
}

Frames frames_of(const std::vector<Image>& images) {
  Frames frames;
  for (const Image& image : images) frames.add(image, "frame.png");
  return frames;
}

struct Chunk {
  std::string type, data;
};

std::vector<Chunk> chunks_of(const std::string& file) {
  std::vector<Chunk> chunks;
  for (std::size_t at = 8; at < file.size();) {
    const std::uint32_t size = number_at(file, at);
    chunks.push_back({file.substr(at + 4, 4), file.substr(at + 8, size)});
    EXPECT_EQ(number_at(file, at + 8 + size), crc_of(chunks.back().type + chunks.back().data));
    at += 12 + size;
  }
  return chunks;
}

std::string types_of(const std::vector<Chunk>& chunks) {
  std::string types;
  for (const Chunk& chunk : chunks) types += chunk.type + " ";
  return types;
}

struct Animation : Folder {};

TEST_F(Animation, ApngHoldsEveryFrameAsItWas) {
  for (const int channels : {1, 3, 4}) {
    const std::vector<Image> frames = {gradient(21, 9, channels), gradient(21, 9, channels),
                                       gradient(21, 9, channels)};
    const std::string file = as_string(encode_apng(frames_of(frames), 80, {{"unclip", "{}"}}));
    const std::vector<Chunk> chunks = chunks_of(file);
    EXPECT_EQ(types_of(chunks), "IHDR tEXt acTL fcTL IDAT fcTL fdAT fcTL fdAT IEND ");
    EXPECT_EQ(chunks[2].data, number_bytes(3) + number_bytes(0));
    std::uint32_t sequence = 0;
    for (const Chunk& chunk : chunks) {
      if (chunk.type == "fcTL" || chunk.type == "fdAT") {
        EXPECT_EQ(number_at(chunk.data, 0), sequence++);
      }
    }
    EXPECT_EQ(chunks[5].data.substr(4), number_bytes(21) + number_bytes(9) + number_bytes(0) +
                                            number_bytes(0) +
                                            std::string("\0\x50\3\xe8\0\0", 6));  // 80 / 1000 s
    // the last frame as a PNG
    const std::string last =
        file.substr(0, 33) + chunk_bytes("IDAT", chunks[8].data.substr(4)) + chunk_bytes("IEND", "");
    EXPECT_EQ(decode_image(last, "last").pixels, decode_image(as_string(encode_png(frames[2])), "a").pixels);
  }
}

TEST_F(Animation, ApngShowsItsFirstFrameToOthers) {
  const std::vector<Image> frames = moving_disc(4, 40, 30);
  save("a.png", as_string(encode_apng(frames_of(frames), 100)));
  EXPECT_EQ(read_png(folder_ / "a.png").pixels, frames[0].pixels);
  if (!installed("pngcheck")) return;
  int status = 0;
  const std::string said = output_of("pngcheck " + (folder_ / "a.png").string(), status);
  EXPECT_EQ(status, 0) << said;
}

struct CloseGif {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

Image image_of(const SavedImage& saved) {
  Image image{saved.ImageDesc.Width, saved.ImageDesc.Height, 3, {}};
  for (int i = 0; i < image.width * image.height; ++i) {
    const GifColorType& color = saved.ImageDesc.ColorMap->Colors[saved.RasterBits[i]];
    for (const GifByteType value : {color.Red, color.Green, color.Blue}) image.pixels.push_back(value);
  }
  return image;
}

TEST_F(Animation, GifComesBackInNearColors) {
  const std::vector<Image> frames = moving_disc(5, 64, 48);
  save("a.gif", as_string(encode_gif(frames_of(frames), 84)));
  const std::unique_ptr<GifFileType, CloseGif> gif(DGifOpenFileName((folder_ / "a.gif").c_str(), nullptr));
  ASSERT_NE(gif, nullptr);
  ASSERT_EQ(DGifSlurp(gif.get()), GIF_OK);
  EXPECT_EQ(gif->SWidth, 64);
  EXPECT_EQ(gif->SHeight, 48);
  ASSERT_EQ(gif->ImageCount, 5);
  const ExtensionBlock& loop = gif->SavedImages[0].ExtensionBlocks[0];
  EXPECT_EQ(std::string(reinterpret_cast<char*>(loop.Bytes), 11), "NETSCAPE2.0");
  Difference worst;
  for (int i = 0; i < 5; ++i) {
    GraphicsControlBlock control{};
    ASSERT_EQ(DGifSavedExtensionToGCB(gif.get(), i, &control), GIF_OK);
    EXPECT_EQ(control.DelayTime, 8);  // hundredths of a second
    EXPECT_EQ(control.TransparentColor, NO_TRANSPARENT_COLOR);
    const Difference found = difference(image_of(gif->SavedImages[i]), frames[static_cast<std::size_t>(i)]);
    worst = {std::max(worst.largest, found.largest), std::max(worst.mean, found.mean)};
  }
  std::printf("largest difference: %d, largest mean: %.2f\n", worst.largest, worst.mean);
  EXPECT_LT(worst.mean, 4);  // 256 colors for 3000: steps of 16 in two directions
  EXPECT_LT(worst.largest, 25);
}

// Few colors stay what they are, and what is faster than browsers draw is slowed down.
TEST_F(Animation, GifOfFewColorsIsExact) {
  Image image{3, 2, 4, {}};
  for (const int value :
       {255, 255, 255, 0, 0, 0, 0, 255, 255, 0, 0, 9, 9, 8, 7, 1, 77, 3, 200, 255, 1, 2, 3, 4})
    image.pixels.push_back(static_cast<std::uint8_t>(value));
  const std::string file = as_string(encode_gif(frames_of({image}), 1));
  const std::unique_ptr<GifFileType, CloseGif> gif(DGifOpenFileName(save("a.gif", file).c_str(), nullptr));
  ASSERT_NE(gif, nullptr);
  ASSERT_EQ(DGifSlurp(gif.get()), GIF_OK);
  EXPECT_EQ(difference(image_of(gif->SavedImages[0]), to_rgb(image)).largest, 0);
  GraphicsControlBlock control{};
  ASSERT_EQ(DGifSavedExtensionToGCB(gif.get(), 0, &control), GIF_OK);
  EXPECT_EQ(control.DelayTime, 2);
}

// An image of another size would be read beyond its end.
TEST_F(Animation, FramesAreOfOneSizeAndKind) {
  for (const Image& other :
       {gradient(1, 1, 3), gradient(21, 8, 3), gradient(20, 9, 3), gradient(40, 30, 3)}) {
    Frames frames = frames_of({gradient(21, 9, 3)});
    expect_refusal(ExitCode::io, "b.png: expected 21x9 pixels, the size of the first frame",
                   [&] { frames.add(other, "b.png"); });
    EXPECT_EQ(frames.images().size(), 1U);
  }
  const Frames mixed = frames_of({gradient(21, 9, 4), gradient(21, 9, 3), gradient(21, 9, 1)});
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(mixed.images()[i].pixels, to_rgb(gradient(21, 9, i == 0 ? 4 : i == 1 ? 3 : 1)).pixels);
  expect_refusal(ExitCode::io, "65535", [] { encode_gif(frames_of({gradient(65'536, 1, 1)}), 100); });
}

}  // namespace
}  // namespace unclip
