// Where an edit works: the canvas with its mask, the part of it that a model of a fixed size sees, and the
// way back. Pixels that the mask keeps come back bit for bit.
#pragma once

#include "unclip/image.h"
#include "unclip/image_options.h"

namespace unclip {

// The image on a canvas that may be larger; mask: one channel, ≥ 128 is repainted.
struct EditCanvas {
  Image image;  // RGB
  Image mask;
};

// `mask`: as large as the image, white is repainted; nullptr: nothing is, but for the margins and, where
// `alpha` is given, what is transparent (below 128). Throws Error(usage) where nothing is to be repainted, or
// for a canvas with a side beyond 8192 pixels.
EditCanvas edit_canvas(const Image& image, const Image* alpha, const Image* mask, const Margins& margins);

struct Window {
  int x = 0, y = 0, width = 0, height = 0;  // may reach over the canvas's edge where the canvas is smaller
};

// Holds all that is repainted and half as much around it, has the shape of width x height and, where the
// canvas is that large, at least that size.
Window edit_window(const EditCanvas& canvas, int width, int height);

// The canvas within the window, resized to width x height; what lies over the edge repeats it, and is
// repainted.
EditCanvas cut_out(const EditCanvas& canvas, const Window& window, int width, int height);

// The canvas with `made`, which was drawn for the window, where the mask repaints; over `feather` pixels from
// the mask's edge inwards it fades in.
Image put_back(const EditCanvas& canvas, const Window& window, const Image& made, int feather);

}  // namespace unclip
