// Counter-based seeding and weighted choice for the scenes (see random.h).
#include "scenes/random.h"

#include <numeric>

namespace unclip {
namespace {

// SplitMix64 (Steele et al. 2014): neighboring counters give unrelated numbers.
uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

Rng image_rng(uint64_t seed, uint64_t index) { return Rng(mix(mix(seed) + index)); }

size_t pick_weighted(Rng& rng, std::span<const double> weights) {
  double left = uniform(rng, 0, std::accumulate(weights.begin(), weights.end(), 0.0));
  size_t chosen = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    chosen = i;
    if ((left -= weights[i]) < 0) break;
  }
  return chosen;
}

}  // namespace unclip
