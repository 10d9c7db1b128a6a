// How much of one image a person would see change in another.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace unclip {

// Part, 0 to 1, of the pixels of two RGB images of one size whose channels differ by more than `least`
// together.
inline double pixels_apart(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b, int least) {
  int count = 0;
  for (size_t i = 0; i < a.size(); i += 3) {
    count += std::abs(a[i] - b[i]) + std::abs(a[i + 1] - b[i + 1]) + std::abs(a[i + 2] - b[i + 2]) > least;
  }
  return count * 3.0 / static_cast<double>(a.size());
}

}  // namespace unclip
