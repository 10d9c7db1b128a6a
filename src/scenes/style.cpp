// Styles: which keep colors, how they are named, and which painter draws them (see scene.h).
#include "style.h"

namespace unclip {

bool has_colors(Style style) {
  return style == Style::flat || style == Style::pixel_art || style == Style::watercolor;
}

bool is_outlined(Style style) { return !has_colors(style); }

std::vector<Color> shown_as(Style style, Color color) {
  switch (style) {
    case Style::pencil_sketch:
      return {Color::gray};
    case Style::blueprint:
      return {Color::white};
    case Style::neon:  // brown light is orange, and light without a hue is white
      if (color == Color::brown) return {Color::orange};
      return {color == Color::black || color == Color::gray ? Color::white : color};
    default:
      return {color};
  }
}

void paint_in_style(const Drawing& drawing, Style style, uint64_t seed, Canvas& canvas) {
  switch (style) {
    case Style::flat:
      return drawing.paint(canvas);
    case Style::pixel_art:
      return paint_pixel_art(drawing, canvas);
    case Style::pencil_sketch:
      return paint_pencil(drawing, seed, canvas);
    case Style::watercolor:
      return paint_watercolor(drawing, seed, canvas);
    case Style::neon:
      return paint_neon(drawing, canvas);
    case Style::blueprint:
      return paint_blueprint(drawing, canvas);
  }
}

namespace {

std::string before(Rng& rng, Style style) {
  switch (style) {
    case Style::pixel_art:
      return pick(rng, {"pixel art of ", "pixel art of ", "a pixel art picture of ", "8-bit pixel art of ",
                        "a pixelated picture of "});
    case Style::pencil_sketch:
      return pick(rng, {"a pencil sketch of ", "a pencil sketch of ", "a pencil drawing of ", "a sketch of ",
                        "a hand-drawn sketch of "});
    case Style::watercolor:
      return pick(rng, {"a watercolor of ", "a watercolor painting of ", "a watercolor painting of ",
                        "a watercolour of ", "an aquarelle of "});
    case Style::neon:
      return pick(rng,
                  {"a neon drawing of ", "neon art of ", "a neon sign of ", "a glowing neon picture of "});
    case Style::blueprint:
      return pick(
          rng, {"a blueprint of ", "a blueprint of ", "a blueprint drawing of ", "a technical drawing of "});
    default:
      return pick(rng, {"a flat illustration of ", "flat design of ", "vector art of "});
  }
}

std::string after(Rng& rng, Style style) {
  switch (style) {
    case Style::pixel_art:
      return pick(rng, {", pixel art", ", pixel art", " in pixel art style", ", 8-bit style"});
    case Style::pencil_sketch:
      return pick(rng, {", pencil sketch", ", pencil sketch", ", pencil drawing", " in pencil"});
    case Style::watercolor:
      return pick(rng, {", watercolor", ", watercolor", " in watercolor", ", watercolor painting"});
    case Style::neon:
      return pick(rng, {", neon", ", neon style", " in neon lights", ", glowing neon"});
    case Style::blueprint:
      return pick(rng, {", blueprint", ", blueprint", ", blueprint style", " as a blueprint"});
    default:
      return pick(rng, {", flat design", " in flat style", ", vector art"});
  }
}

// "an image of a dog", "there is a dog": what goes before would not read.
bool is_framed(const std::string& caption) {
  const size_t of = caption.find(" of ");
  return (of != std::string::npos && of < 26) || caption.find(':') != std::string::npos ||
         caption.starts_with("there ") || caption.starts_with("we ") || caption.starts_with("here ") ||
         caption.starts_with("the picture") || caption.starts_with("just ") || caption.starts_with("only ") ||
         caption.starts_with("simply ") || caption.find(" is ") != std::string::npos;
}

}  // namespace

std::string style_caption(Rng& rng, Style style, const std::string& caption) {
  if (style == Style::flat && !chance(rng, 0.06)) return caption;
  if (is_framed(caption) || chance(rng, 0.45)) return caption + after(rng, style);
  return before(rng, style) + caption;
}

}  // namespace unclip
