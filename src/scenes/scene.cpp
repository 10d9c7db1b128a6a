// draw_scene: picks family and style, keeps held-out pairs out, writes the caption (see scene.h).
#include "scenes/scene.h"

#include <algorithm>
#include <sstream>

namespace unclip {
namespace {

constexpr std::array<std::string_view, family_count> family_names{"shapes", "landscapes", "items",
                                                                  "characters"};
constexpr std::array<std::string_view, style_count> style_names{"flat",       "pixel art", "pencil sketch",
                                                                "watercolor", "neon",      "blueprint"};

Drawing make(Family family, Rng& rng, Style style, const ShapesMix& mix) {
  switch (family) {
    case Family::shapes:
      return make_shapes(rng, style, mix);
    case Family::landscapes:
      return make_landscape(rng, style);
    case Family::items:
      return make_item(rng, style);
    case Family::characters:
      return make_character(rng, style);
  }
  return {};
}

std::vector<Color> shared_colors(const SceneOptions& options, uint64_t index) {
  std::vector<Color> colors;
  if (options.sharing == 0) return colors;
  for (int i = 0; i < color_count; ++i) colors.push_back(static_cast<Color>(i));
  Rng rng = image_rng(~options.seed, index / options.sharing);
  shuffle(rng, colors);
  colors.resize(3);
  return colors;
}

// The one place of the held-out rule. Styles that draw outlines alone turn a circle into a ring.
bool holds_held_out(const Drawing& drawing, Style style) {
  return std::ranges::any_of(drawing.objects, [style](const Object& object) {
    return std::ranges::any_of(shown_as(style, object.color), [&](Color color) {
      return held_out(color, object.shape) ||
             (is_outlined(style) && object.shape == Shape::circle && held_out(color, Shape::ring));
    });
  });
}

std::string without_articles(const std::string& caption) {
  std::istringstream words(caption);
  std::string kept;
  for (std::string word; words >> word;) {
    if (word == "a" || word == "an" || word == "the") continue;
    kept += (kept.empty() ? "" : " ") + word;
  }
  return kept;
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::string_view name(Arrangement arrangement) {
  constexpr std::array<std::string_view, arrangement_count> words{"one", "alike", "unlike"};
  return words[static_cast<size_t>(arrangement)];
}
std::string_view name(Family family) { return family_names[static_cast<size_t>(family)]; }
std::string_view name(Style style) { return style_names[static_cast<size_t>(style)]; }

std::string vary_writing(Rng& rng, std::string caption) {
  if (chance(rng, 0.12)) caption = without_articles(caption);
  const double writing = uniform(rng, 0, 1);
  if (writing < 0.3) {
    caption[0] = upper(caption[0]);
  } else if (writing < 0.34) {
    std::ranges::transform(caption, caption.begin(), upper);
  } else if (writing < 0.38) {
    for (size_t i = 0; i < caption.size(); ++i) {
      if (i == 0 || caption[i - 1] == ' ') caption[i] = upper(caption[i]);
    }
  }
  if (chance(rng, 0.3)) caption += '.';
  return caption;
}

Scene draw_scene(const SceneOptions& options, uint64_t index) {
  Rng rng = image_rng(options.seed, index);
  Scene scene;
  scene.family = static_cast<Family>(pick_weighted(rng, options.families));
  scene.style = static_cast<Style>(pick_weighted(rng, options.styles));
  const ShapesMix mix{options.arrangements, shared_colors(options, index)};
  Drawing drawing = make(scene.family, rng, scene.style, mix);
  while (holds_held_out(drawing, scene.style)) drawing = make(scene.family, rng, scene.style, mix);
  if (!chance(rng, options.uncaptioned)) {
    scene.caption = vary_writing(rng, style_caption(rng, scene.style, drawing.caption));
  }
  Canvas canvas(options.size);
  paint_in_style(drawing, scene.style, rng(), canvas);
  for (uint64_t i = 0; i < options.hard_negatives && drawing.hard_negative; ++i)
    scene.hard_negatives.push_back(
        vary_writing(rng, style_caption(rng, scene.style, drawing.hard_negative(rng))));
  scene.facts = std::move(drawing.facts);
  scene.objects = std::move(drawing.objects);
  scene.size = options.size;
  scene.rgb = canvas.rgb();
  return scene;
}

}  // namespace unclip
