// The size of the latent that a decoder draws where none is asked for.
#include "sample_size.h"

namespace unclip {

std::array<int64_t, 2> read_sample_size(const Config& config) {
  constexpr int64_t kUsual = 64;
  constexpr Range kLatentSides{1, 1024};
  if (!config.has("sample_size") || !config.values().at("sample_size").is_array()) {
    const int64_t side = config.find<int64_t>("sample_size", kLatentSides).value_or(kUsual);
    return {side, side};
  }
  const auto sides = config.require<std::vector<int64_t>>("sample_size", kLatentSides);
  if (sides.size() != 2) config.refuse("sample_size", "one number, or height and width");
  return {sides[0], sides[1]};
}

}  // namespace unclip
