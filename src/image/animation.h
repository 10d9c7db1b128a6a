// Images → a moving one that repeats for ever: APNG (PNG specification, third edition) keeps every pixel, GIF
// 256 colors a frame.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "image/png.h"
#include "support/atomic_file.h"
#include "unclip/image.h"

namespace unclip {

// `frames`: at least one, all of one size (sides up to 65,535 for GIF) and one number of channels.
// `frame_ms`: how long each stays, 1 … 65,535 milliseconds. `text` as for encode_png.
std::vector<std::byte> encode_apng(std::span<const Image> frames, int frame_ms, const PngText& text = {});

// The same as GIF: each frame in the colors that suit it best, without transparency. GIF counts hundredths of
// a second: the time is rounded, to 20 ms at least, since browsers slow down what is faster.
std::vector<std::byte> encode_gif(std::span<const Image> frames, int frame_ms);

// Encode and write whole or not at all; throw Error(io) as write_file_atomically does.
void write_apng(std::span<const Image> frames, int frame_ms, const std::filesystem::path& file,
                Overwrite overwrite = Overwrite::yes, const PngText& text = {});
void write_gif(std::span<const Image> frames, int frame_ms, const std::filesystem::path& file,
               Overwrite overwrite = Overwrite::yes);

}  // namespace unclip
