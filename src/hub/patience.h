// How long the downloads wait for a server that is slow, busy or gone.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace unclip {

struct Patience {
  int attempts = 6;                              // in a row that bring nothing new
  std::chrono::milliseconds first_pause{1'000};  // before the second attempt; doubles with each
  std::chrono::seconds longest_pause{300};       // also where the server asks for more: then it ends
  std::chrono::seconds connect{20};              // until a connection stands
  std::chrono::seconds stall{30};                // without a byte

  // The pause after the `failures`-th failure in a row, from 1. `asked`: what the server wants (Retry-After).
  // Nothing: give up.
  std::optional<std::chrono::milliseconds> pause_after(int failures, std::chrono::seconds asked) const {
    if (failures >= attempts || asked > longest_pause) return std::nullopt;
    if (asked.count() > 0) return asked;
    return std::min<std::chrono::milliseconds>(first_pause * (1 << std::min(failures - 1, 8)), longest_pause);
  }
};

}  // namespace unclip
