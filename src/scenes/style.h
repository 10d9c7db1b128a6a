// The styles: what each does to a drawing, and the raster operations that they share.
#pragma once

#include "scenes/scene.h"
#include "shade.h"

namespace unclip {

void paint_pencil(const Drawing& drawing, uint64_t seed, Canvas& canvas);
void paint_neon(const Drawing& drawing, Canvas& canvas);
void paint_blueprint(const Drawing& drawing, Canvas& canvas);
void paint_watercolor(const Drawing& drawing, uint64_t seed, Canvas& canvas);
void paint_pixel_art(const Drawing& drawing, Canvas& canvas);

// Smooth noise in [0, 1] that varies over 1 / `cells` of the image, equal at every size.
double noise(uint64_t seed, double x, double y, double cells);

// The image as numbers, to compute with: [size * size] of sRGB 0 … 1.
std::vector<Rgb> read(Canvas& canvas);
void write(Canvas& canvas, const std::vector<Rgb>& image);
// Blurred about as by a Gaussian of deviation `sigma`, in parts of the image's side.
std::vector<Rgb> blurred(const std::vector<Rgb>& image, int size, double sigma);

}  // namespace unclip
