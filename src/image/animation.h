// Images → a moving one that repeats for ever: APNG (PNG specification, third edition) keeps every pixel, GIF
// 256 colors a frame.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "image/png.h"
#include "unclip/image.h"

namespace unclip {

// The images of one animation: all as large as the first, and RGB where their kinds differ.
class Frames {
 public:
  // `name`: of its file, for the error. Throws Error(io) for an image of another size.
  void add(Image image, const std::string& name);

  const std::vector<Image>& images() const { return images_; }

 private:
  std::vector<Image> images_;
};

// `frames`: at least one. `frame_ms`: how long each stays, 1 … 65,535 milliseconds. `text` as for encode_png.
std::vector<std::byte> encode_apng(const Frames& frames, int frame_ms, const PngText& text = {});

// The same as GIF: each frame in the colors that suit it best, without transparency. GIF counts hundredths of
// a second: the time is rounded, to 20 ms at least, since browsers slow down what is faster. Throws Error(io)
// for frames with a side beyond 65,535 pixels.
std::vector<std::byte> encode_gif(const Frames& frames, int frame_ms);

}  // namespace unclip
