// Connected blobs and their division by color (see segment.h).
#include "scenes/segment.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace unclip {
namespace {

constexpr float is_flat = 26;      // within four pixels: not on an edge
constexpr float other_paint = 45;  // between two colors of one blob
constexpr size_t least_blob = 30;  // pixels: half of the smallest object
constexpr size_t least_flat = 10;  // pixels of a color, for it to be an object's and no edge's

using Places = std::vector<int>;  // indices of pixels

Pixel mix(const Pixel& a, const Pixel& b, float part) {
  return {a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1]), a[2] + part * (b[2] - a[2])};
}

Pixel mean(const SmallImage& image, const Places& places) {
  Pixel sum{};
  for (const int at : places) {
    for (size_t c = 0; c < 3; ++c) sum[c] += image.pixels[static_cast<size_t>(at)][c];
  }
  for (float& channel : sum) channel /= static_cast<float>(places.size());
  return sum;
}

// Groups of neighbors (eight directions) among the places that `inside` marks.
std::vector<Places> connected(const std::vector<char>& inside) {
  std::vector<char> left = inside;
  std::vector<Places> groups;
  for (int first = 0; first < judged * judged; ++first) {
    if (!left[static_cast<size_t>(first)]) continue;
    Places group{first};
    left[static_cast<size_t>(first)] = 0;
    for (size_t next = 0; next < group.size(); ++next) {
      const int x = group[next] % judged, y = group[next] / judged;
      for (int v = std::max(y - 1, 0); v <= std::min(y + 1, judged - 1); ++v) {
        for (int u = std::max(x - 1, 0); u <= std::min(x + 1, judged - 1); ++u) {
          const int at = v * judged + u;
          if (!left[static_cast<size_t>(at)]) continue;
          left[static_cast<size_t>(at)] = 0;
          group.push_back(at);
        }
      }
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

std::vector<char> marked(const Places& places) {
  std::vector<char> inside(judged * judged);
  for (const int at : places) inside[static_cast<size_t>(at)] = 1;
  return inside;
}

// The pixels of a blob that lie in a square of four alike.
Places flat_places(const SmallImage& image, const Places& blob) {
  const std::vector<char> inside = marked(blob);
  std::vector<char> flat(judged * judged);
  for (const int at : blob) {
    if (at % judged + 1 == judged || at / judged + 1 == judged) continue;
    const Places square{at, at + 1, at + judged, at + judged + 1};
    if (!std::ranges::all_of(square, [&](int p) { return inside[static_cast<size_t>(p)]; })) continue;
    const Pixel middle = mean(image, square);
    if (std::ranges::all_of(square, [&](int p) {
          return distance(image.pixels[static_cast<size_t>(p)], middle) < is_flat;
        })) {
      for (const int p : square) flat[static_cast<size_t>(p)] = 1;
    }
  }
  Places places;
  for (const int at : blob) {
    if (flat[static_cast<size_t>(at)]) places.push_back(at);
  }
  return places;
}

// True up to `edge` pixels from open background (three by three pixels of it).
std::vector<char> near_open(const std::vector<char>& foreground, int edge) {
  const auto square = [](const std::vector<char>& from, int radius, bool any) {
    std::vector<char> to(judged * judged);
    for (int y = 0; y < judged; ++y) {
      for (int x = 0; x < judged; ++x) {
        bool found = false;
        for (int v = std::max(y - radius, 0); v <= std::min(y + radius, judged - 1); ++v) {
          for (int u = std::max(x - radius, 0); u <= std::min(x + radius, judged - 1); ++u) {
            found |= from[static_cast<size_t>(v * judged + u)] != 0;
          }
        }
        to[static_cast<size_t>(y * judged + x)] = found == any;
      }
    }
    return to;
  };
  return square(square(foreground, 1, false), edge + 1, true);
}

bool is_mix(const Pixel& color, const Pixel& a, const Pixel& b) {
  for (float part = 0.1f; part < 0.91f; part += 0.1f) {
    if (distance(color, mix(a, b, part)) < 30) return true;
  }
  return false;
}

// The colors of paint in a blob. Along an edge the blend of a paint and the background may look like a third
// one (black into white: gray); such pixels are taken out of `flat`.
std::vector<Pixel> paints(const SmallImage& image, Places& flat, const Pixel& background,
                          const std::vector<char>& near) {
  std::array<Places, color_count> groups;
  for (const int at : flat) {
    groups[static_cast<size_t>(nearest_color(image.pixels[static_cast<size_t>(at)]))].push_back(at);
  }
  std::ranges::sort(groups, std::greater(), &Places::size);
  std::vector<Pixel> found;
  flat.clear();
  for (Places& group : groups) {
    if (group.empty()) break;
    const Pixel color = mean(image, group);
    const auto close = [&](const Pixel& other) { return distance(color, other) < other_paint; };
    const auto blend = [&](const Pixel& other) { return is_mix(color, background, other); };
    const bool known = std::ranges::any_of(found, close);
    if (!known && std::ranges::any_of(found, blend)) {
      std::erase_if(group, [&](int at) { return near[static_cast<size_t>(at)]; });
    }
    if (group.size() < least_flat) continue;
    if (!known) found.push_back(mean(image, group));
    flat.insert(flat.end(), group.begin(), group.end());
  }
  return found;
}

// The brightest quarter against the background: the paint of a blob without its blended edge.
Pixel paint_of(const SmallImage& image, const std::vector<Pixel>& background, Places blob) {
  std::ranges::sort(blob, std::greater(), [&](int at) {
    return distance(image.pixels[static_cast<size_t>(at)], background[static_cast<size_t>(at)]);
  });
  blob.resize(std::max<size_t>(blob.size() / 4, 4));
  return mean(image, blob);
}

void label(Segments& segments, const Places& places, int as) {
  for (const int at : places) segments.label[static_cast<size_t>(at)] = as;
}

// True where the box of `inner` lies within that of `outer`.
bool boxed(const Places& inner, const Places& outer) {
  const auto by_column = [](int a, int b) { return a % judged < b % judged; };
  const auto [left, right] = std::ranges::minmax(inner, by_column);
  const auto [outer_left, outer_right] = std::ranges::minmax(outer, by_column);
  const auto [top, bottom] = std::ranges::minmax(inner);  // row by row
  const auto [outer_top, outer_bottom] = std::ranges::minmax(outer);
  return left % judged > outer_left % judged && right % judged < outer_right % judged &&
         top / judged > outer_top / judged && bottom / judged < outer_bottom / judged;
}

// Gives each pixel of a blob to the nearest of its paints. Pieces without flat pixels are edges; a piece
// boxed by a larger one of its paint is that one again, seen through a ring.
void divide(const SmallImage& image, const Places& blob, const Places& flat, const std::vector<Pixel>& colors,
            Segments& segments) {
  const auto nearest = [&](int at) {
    return std::ranges::min_element(
               colors, {},
               [&](const Pixel& color) { return distance(color, image.pixels[static_cast<size_t>(at)]); }) -
           colors.begin();
  };
  const std::vector<char> in_flat = marked(flat);
  for (int i = 0; i < static_cast<int>(colors.size()); ++i) {
    Places own;
    std::ranges::copy_if(blob, std::back_inserter(own), [&](int at) { return nearest(at) == i; });
    std::vector<Places> parts = connected(marked(own));
    std::ranges::sort(parts, std::greater(), &Places::size);
    const Places* whole = nullptr;
    for (const Places& part : parts) {
      Places core;
      std::ranges::copy_if(part, std::back_inserter(core),
                           [&](int at) { return in_flat[static_cast<size_t>(at)]; });
      if (whole && boxed(part, *whole)) {
        label(segments, part, segments.label[static_cast<size_t>(whole->front())]);
      } else if (part.size() >= least_blob && core.size() >= least_flat) {
        label(segments, part, static_cast<int>(segments.colors.size()));
        segments.colors.push_back(mean(image, core));
        if (!whole) whole = &part;
      } else {
        label(segments, part, Segments::is_unclear);
      }
    }
  }
}

}  // namespace

Segments segment(const SmallImage& image) {
  Segments segments{find_background(image), std::vector<int>(judged * judged, Segments::is_background), {}};
  std::vector<char> foreground(judged * judged);
  for (size_t i = 0; i < foreground.size(); ++i) {
    foreground[i] = distance(image.pixels[i], segments.background[i]) > stands_out;
  }
  const std::vector<char> near = near_open(foreground, image.edge);
  for (const Places& blob : connected(foreground)) {
    if (blob.size() < least_blob) continue;
    Places flat = flat_places(image, blob);
    const Pixel& background = segments.background[static_cast<size_t>(blob[0])];
    const std::vector<Pixel> colors = paints(image, flat, background, near);
    if (colors.size() > 1) {
      divide(image, blob, flat, colors, segments);
    } else {
      label(segments, blob, static_cast<int>(segments.colors.size()));
      segments.colors.push_back(paint_of(image, segments.background, blob));
    }
  }
  return segments;
}

}  // namespace unclip
