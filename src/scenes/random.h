// Random choices for drawn images. The standard distributions differ from one library to the next; these
// do not: the same seed gives the same image on every machine.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace unclip {

using Rng = std::mt19937_64;

// The generator of image `index` of source `seed`: unlike for every pair.
Rng image_rng(uint64_t seed, uint64_t index);

// In [lo, hi).
inline double uniform(Rng& rng, double lo, double hi) {
  return lo + (hi - lo) * (static_cast<double>(rng() >> 11) * 0x1.0p-53);
}

// In [lo, hi], both ends included.
inline int uniform_int(Rng& rng, int lo, int hi) {
  return lo + static_cast<int>(rng() % static_cast<uint64_t>(hi - lo + 1));
}

inline bool chance(Rng& rng, double probability) { return uniform(rng, 0, 1) < probability; }

template <class T>
const T& pick(Rng& rng, const std::vector<T>& from) {
  return from[rng() % from.size()];
}

inline std::string pick(Rng& rng, std::initializer_list<const char*> from) {
  return *(from.begin() + rng() % from.size());
}

// An index, each as likely as its weight; weights are ≥ 0 with a sum above 0.
size_t pick_weighted(Rng& rng, std::span<const double> weights);

template <class T>
void shuffle(Rng& rng, std::vector<T>& items) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[rng() % i]);
}

}  // namespace unclip
