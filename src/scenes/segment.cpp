// Background plane, connected blobs and their division by colour (see segment.h).
#include "unclip/scenes/segment.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace unclip {
namespace {

constexpr float stands_out = 28;   // from the background, levels of sRGB: above noise, below any two colours
constexpr float is_flat = 24;      // within four pixels: not on an edge
constexpr float other_paint = 45;  // between two colours of one blob
constexpr size_t least_blob = 30;  // pixels: half of the smallest object
constexpr size_t least_flat = 12;  // pixels of a colour, for it to be an object's and no edge's

using Places = std::vector<int>;  // indices of pixels

Pixel mix(const Pixel& a, const Pixel& b, float part) {
  return {a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1]), a[2] + part * (b[2] - a[2])};
}

Pixel mean(const Picture& picture, const Places& places) {
  Pixel sum{};
  for (const int at : places) {
    for (size_t c = 0; c < 3; ++c) sum[c] += picture.pixels[static_cast<size_t>(at)][c];
  }
  for (float& channel : sum) channel /= static_cast<float>(places.size());
  return sum;
}

bool on_border(int at) {
  const int x = at % judged, y = at / judged;
  return std::min(x, y) < 2 || std::max(x, y) >= judged - 2;
}

// The plane a + b·x + c·y of each channel through `places`, by least squares.
std::vector<Pixel> plane_through(const Picture& picture, const Places& places) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
  std::array<std::array<double, 3>, 3> right{};  // [channel][1, x, y]
  for (const int at : places) {
    const double x = at % judged, y = at / judged;
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y, syy += y * y;
    for (size_t c = 0; c < 3; ++c) {
      const double value = picture.pixels[static_cast<size_t>(at)][c];
      right[c][0] += value, right[c][1] += value * x, right[c][2] += value * y;
    }
  }
  const double vxx = sxx - sx * sx / n, vxy = sxy - sx * sy / n, vyy = syy - sy * sy / n;
  const double determinant = vxx * vyy - vxy * vxy;
  std::vector<Pixel> plane(judged * judged);
  for (size_t c = 0; c < 3; ++c) {
    const double vx = right[c][1] - sx * right[c][0] / n, vy = right[c][2] - sy * right[c][0] / n;
    const double slope_x = (vx * vyy - vy * vxy) / determinant, slope_y = (vy * vxx - vx * vxy) / determinant;
    const double start = (right[c][0] - slope_x * sx - slope_y * sy) / n;
    for (int at = 0; at < judged * judged; ++at) {
      plane[static_cast<size_t>(at)][c] =
          static_cast<float>(start + slope_x * (at % judged) + slope_y * (at / judged));
    }
  }
  return plane;
}

// Starts from the border's median; then the plane through all that is near it, twice.
std::vector<Pixel> find_background(const Picture& picture) {
  Places border;
  for (int at = 0; at < judged * judged; ++at) {
    if (on_border(at)) border.push_back(at);
  }
  Pixel median{};
  for (size_t c = 0; c < 3; ++c) {
    std::vector<float> values;
    for (const int at : border) values.push_back(picture.pixels[static_cast<size_t>(at)][c]);
    std::ranges::nth_element(values, values.begin() + static_cast<long>(values.size() / 2));
    median[c] = values[values.size() / 2];
  }
  std::vector<Pixel> plane(judged * judged, median);
  for (int round = 0; round < 3; ++round) {
    Places near;
    for (int at = 0; at < judged * judged; ++at) {
      const size_t i = static_cast<size_t>(at);
      if ((round > 0 || on_border(at)) && distance(picture.pixels[i], plane[i]) < stands_out)
        near.push_back(at);
    }
    if (near.size() < 100) break;  // no plain background: the median must do
    plane = plane_through(picture, near);
  }
  return plane;
}

// Groups of neighbours (eight directions) among the places that `inside` marks.
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
Places flat_places(const Picture& picture, const Places& blob) {
  const std::vector<char> inside = marked(blob);
  std::vector<char> flat(judged * judged);
  for (const int at : blob) {
    if (at % judged + 1 == judged || at / judged + 1 == judged) continue;
    const Places square{at, at + 1, at + judged, at + judged + 1};
    if (!std::ranges::all_of(square, [&](int p) { return inside[static_cast<size_t>(p)]; })) continue;
    const Pixel middle = mean(picture, square);
    if (std::ranges::all_of(square, [&](int p) {
          return distance(picture.pixels[static_cast<size_t>(p)], middle) < is_flat;
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

// True where open background (three by three pixels of it) is near.
std::vector<char> near_open(const std::vector<char>& foreground) {
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
  return square(square(foreground, 1, false), 3, true);
}

bool is_mix(const Pixel& colour, const Pixel& a, const Pixel& b) {
  for (float part = 0.1f; part < 0.91f; part += 0.1f) {
    if (distance(colour, mix(a, b, part)) < 30) return true;
  }
  return false;
}

// The colours of paint in a blob: groups of flat pixels that are not the blend along an edge.
std::vector<Pixel> paints(const Picture& picture, const Places& flat, const Pixel& background,
                          const std::vector<char>& near) {
  std::array<Places, colour_count> groups;
  for (const int at : flat) {
    groups[static_cast<size_t>(nearest_colour(picture.pixels[static_cast<size_t>(at)]))].push_back(at);
  }
  std::ranges::sort(groups, std::greater(), &Places::size);
  std::vector<Pixel> found;
  for (const Places& group : groups) {
    if (group.size() < least_flat) break;
    const Pixel colour = mean(picture, group);
    const auto at_edge = std::ranges::count_if(group, [&](int at) { return near[static_cast<size_t>(at)]; });
    const bool edge = 10 * at_edge > 6 * static_cast<long>(group.size());
    if (std::ranges::none_of(found, [&](const Pixel& other) {
          return distance(colour, other) < other_paint || (edge && is_mix(colour, background, other));
        })) {
      found.push_back(colour);
    }
  }
  return found;
}

// The brightest quarter against the background: the paint of a blob without its blended edge.
Pixel paint_of(const Picture& picture, const std::vector<Pixel>& background, Places blob) {
  std::ranges::sort(blob, std::greater(), [&](int at) {
    return distance(picture.pixels[static_cast<size_t>(at)], background[static_cast<size_t>(at)]);
  });
  blob.resize(std::max<size_t>(blob.size() / 4, 4));
  return mean(picture, blob);
}

void add(Segments& segments, const Places& places, const Pixel& colour) {
  for (const int at : places)
    segments.label[static_cast<size_t>(at)] = static_cast<int>(segments.colours.size());
  segments.colours.push_back(colour);
}

// Gives each pixel of a blob to the nearest of its paints; pieces without flat pixels are edges.
void divide(const Picture& picture, const Places& blob, const Places& flat, const std::vector<Pixel>& colours,
            Segments& segments) {
  const auto nearest = [&](int at) {
    return std::ranges::min_element(colours, {},
                                    [&](const Pixel& colour) {
                                      return distance(colour, picture.pixels[static_cast<size_t>(at)]);
                                    }) -
           colours.begin();
  };
  const std::vector<char> is_flat_place = marked(flat);
  for (int i = 0; i < static_cast<int>(colours.size()); ++i) {
    Places own;
    std::ranges::copy_if(blob, std::back_inserter(own), [&](int at) { return nearest(at) == i; });
    for (const Places& part : connected(marked(own))) {
      Places core;
      std::ranges::copy_if(part, std::back_inserter(core),
                           [&](int at) { return is_flat_place[static_cast<size_t>(at)]; });
      if (part.size() >= least_blob && core.size() >= least_flat) {
        add(segments, part, mean(picture, core));
      } else {
        for (const int at : part) segments.label[static_cast<size_t>(at)] = Segments::is_unclear;
      }
    }
  }
}

}  // namespace

float distance(const Pixel& a, const Pixel& b) { return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]); }

Colour nearest_colour(const Pixel& pixel) {
  static const auto centres = [] {
    std::array<Pixel, colour_count> all;
    for (size_t i = 0; i < all.size(); ++i) {
      const Rgb c = centre(static_cast<Colour>(i));
      all[i] = {static_cast<float>(255 * c.r), static_cast<float>(255 * c.g), static_cast<float>(255 * c.b)};
    }
    return all;
  }();
  return static_cast<Colour>(
      std::ranges::min_element(centres, {}, [&](const Pixel& c) { return distance(c, pixel); }) -
      centres.begin());
}

Picture reduce(std::span<const uint8_t> rgb, int size) {
  Picture picture;
  for (int y = 0; y < judged; ++y) {
    for (int x = 0; x < judged; ++x) {
      Pixel sum{};
      int count = 0;
      const auto after = [&](int place, int first) {
        return std::max((place + 1) * size / judged, first + 1);
      };
      const int left = x * size / judged, top = y * size / judged;
      for (int v = top; v < after(y, top); ++v) {
        for (int u = left; u < after(x, left); ++u, ++count) {
          for (size_t c = 0; c < 3; ++c) sum[c] += rgb[static_cast<size_t>(v * size + u) * 3 + c];
        }
      }
      for (float& channel : sum) channel /= static_cast<float>(count);
      picture.pixels.push_back(sum);
    }
  }
  return picture;
}

Segments segment(const Picture& picture) {
  Segments segments{find_background(picture), std::vector<int>(judged * judged, Segments::is_background), {}};
  std::vector<char> foreground(judged * judged);
  for (size_t i = 0; i < foreground.size(); ++i) {
    foreground[i] = distance(picture.pixels[i], segments.background[i]) > stands_out;
  }
  const std::vector<char> near = near_open(foreground);
  for (const Places& blob : connected(foreground)) {
    if (blob.size() < least_blob) continue;
    const Places flat = flat_places(picture, blob);
    const Pixel& background = segments.background[static_cast<size_t>(blob[0])];
    const std::vector<Pixel> colours = paints(picture, flat, background, near);
    if (colours.size() > 1) {
      divide(picture, blob, flat, colours, segments);
    } else {
      add(segments, blob, paint_of(picture, segments.background, blob));
    }
  }
  return segments;
}

}  // namespace unclip
