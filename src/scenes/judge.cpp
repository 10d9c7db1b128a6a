// The judge: objects out of segments, then the wanted against the seen (see judge.h).
#include "scenes/judge.h"

#include <algorithm>
#include <map>

#include "scenes/segment.h"
#include "scenes/shape_fit.h"

namespace unclip {
namespace {

constexpr double least_fit = 0.65;
constexpr double size_margin = 1.2;  // a factor that a drawn size may be off

struct Extent {
  int left = judged, right = 0, top = judged, bottom = 0;
};

Extent extent_of(const Segments& segments, int object) {
  Extent e;
  for (int y = 0; y < judged; ++y) {
    for (int x = 0; x < judged; ++x) {
      if (segments.label[static_cast<size_t>(y * judged + x)] != object) continue;
      e.left = std::min(e.left, x), e.right = std::max(e.right, x + 1);
      e.top = std::min(e.top, y), e.bottom = std::max(e.bottom, y + 1);
    }
  }
  return e;
}

// How many pixels away, the larger way, `x`, `y` has a pixel of a label that `wanted` takes; `radius` + 1 if
// none.
template <class Wanted>
int steps_to(const Segments& segments, int x, int y, int radius, Wanted wanted) {
  int nearest = radius + 1;
  for (int v = std::max(y - radius, 0); v <= std::min(y + radius, judged - 1); ++v) {
    for (int u = std::max(x - radius, 0); u <= std::min(x + radius, judged - 1); ++u) {
      if (wanted(segments.label[static_cast<size_t>(v * judged + u)])) {
        nearest = std::min(nearest, std::max(std::abs(u - x), std::abs(v - y)));
      }
    }
  }
  return nearest;
}

bool contains(const Extent& outer, const Extent& inner) {
  return outer.left < inner.left && outer.right > inner.right && outer.top < inner.top &&
         outer.bottom > inner.bottom;
}

// What lies around an object, two pixels away: the background or the object that it is inside of.
int surround_of(const Segments& segments, int object, const Extent& e) {
  std::map<int, int> votes;
  for (int y = std::max(e.top - 2, 0); y < std::min(e.bottom + 2, judged); ++y) {
    for (int x = std::max(e.left - 2, 0); x < std::min(e.right + 2, judged); ++x) {
      if (steps_to(segments, x, y, 2, [object](int label) { return label == object; }) != 2) continue;
      ++votes[segments.label[static_cast<size_t>(y * judged + x)]];
    }
  }
  std::erase_if(votes, [&](const auto& vote) {
    return vote.first == Segments::is_unclear ||
           (vote.first >= 0 && !contains(extent_of(segments, vote.first), e));
  });
  if (votes.empty()) return Segments::is_background;
  return std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; })->first;
}

// How much of each pixel is the object: its place on the way from the surround's color to the object's.
Mask mask_of(const SmallImage& image, const Segments& segments, int object, const Extent& e) {
  const int surround = surround_of(segments, object, e);
  const Pixel& paint = segments.colors[static_cast<size_t>(object)];
  const auto is_other = [&](int label) { return label >= 0 && label != object && label != surround; };
  Mask mask{std::max(e.left - 3, 0), std::max(e.top - 3, 0), 0, 0, {}};
  mask.width = std::min(e.right + 3, judged) - mask.x;
  mask.height = std::min(e.bottom + 3, judged) - mask.y;
  for (int y = mask.y; y < mask.y + mask.height; ++y) {
    for (int x = mask.x; x < mask.x + mask.width; ++x) {
      const size_t at = static_cast<size_t>(y * judged + x);
      if (steps_to(segments, x, y, 1, is_other) <= 1) {
        mask.cover.push_back(-1);
        continue;
      }
      const Pixel& ground =
          surround < 0 ? segments.background[at] : segments.colors[static_cast<size_t>(surround)];
      float along = 0, length = 0;
      for (size_t c = 0; c < 3; ++c) {
        along += (image.pixels[at][c] - ground[c]) * (paint[c] - ground[c]);
        length += (paint[c] - ground[c]) * (paint[c] - ground[c]);
      }
      mask.cover.push_back(std::clamp(along / length, 0.0f, 1.0f));
    }
  }
  return mask;
}

Seen see(const SmallImage& image, const Segments& segments, int object) {
  const Extent e = extent_of(segments, object);
  Fit start;
  start.left = e.left, start.right = e.right, start.top = e.top, start.bottom = e.bottom;
  const Fit fit = fit_shape(mask_of(image, segments, object, e), start);
  Seen seen;
  seen.color = nearest_color(segments.colors[static_cast<size_t>(object)]);
  seen.fit = fit.overlap;
  if (fit.overlap >= least_fit) seen.shape = fit.shape;
  const double width = (fit.right - fit.left) / judged, height = (fit.bottom - fit.top) / judged;
  seen.box = {{(fit.left + fit.right) / 2 / judged, (fit.top + fit.bottom) / 2 / judged}, width, height};
  const Sides sides = sides_of(fit.shape);
  seen.area = width * height * fill_of(fit.shape) / (sides.width * sides.height);
  return seen;
}

std::string words(const Wanted& wanted, bool colors) {
  return (colors ? std::string(name(wanted.color)) + " " : "") + std::string(name(wanted.shape));
}

bool fits_size(double area, Size size) {
  return size == Size::any ||
         (size == Size::small ? area <= small_area * size_margin : area >= large_area / size_margin);
}

}  // namespace

Detections detect(std::span<const uint8_t> rgb, int size) {
  const SmallImage image = reduce(rgb, size);
  const Segments segments = segment(image);
  Detections detections;
  detections.background = nearest_color(segments.background[judged / 2 * judged + judged / 2]);
  for (int i = 0; i < static_cast<int>(segments.colors.size()); ++i) {
    detections.objects.push_back(see(image, segments, i));
  }
  return detections;
}

Verdict judge(const Detections& detections, const Requirement& wanted, bool colors) {
  Verdict verdict;
  const auto object_to = [&](bool fine, const std::string& reason) {
    if (!fine) verdict.reasons.push_back(reason);
  };
  int total = 0;
  std::vector<const Seen*> firsts;
  for (const Wanted& group : wanted.objects) {
    total += group.count;
    int found = 0;
    const Seen* first = nullptr;
    for (const Seen& seen : detections.objects) {
      if (seen.shape != group.shape || (colors && seen.color != group.color)) continue;
      if (++found == 1) first = &seen;
      object_to(fits_size(seen.area, group.size),
                "a " + words(group, colors) + " is not " + std::string(name(group.size)));
    }
    object_to(found == group.count, "wanted " + std::to_string(group.count) + " " + words(group, colors) +
                                        ", found " + std::to_string(found));
    firsts.push_back(first);
  }
  const auto seen = static_cast<int>(detections.objects.size());
  object_to(seen == total, "wanted " + std::to_string(total) + " objects, found " + std::to_string(seen));
  if (wanted.relation && firsts[0] && firsts[1]) {
    object_to(stands(firsts[0]->box, *wanted.relation, firsts[1]->box),
              "the " + words(wanted.objects[0], colors) + " is not " + std::string(name(*wanted.relation)) +
                  " the " + words(wanted.objects[1], colors));
  }
  if (wanted.background) {
    object_to(detections.background == *wanted.background,
              "the background is " + std::string(name(detections.background)) + ", not " +
                  std::string(name(*wanted.background)));
  }
  verdict.pass = verdict.reasons.empty();
  return verdict;
}

}  // namespace unclip
