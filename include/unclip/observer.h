// Watches the stages of a generation.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace unclip {

// Called when a stage ("text", "prior", "decoder", "upsampler", …) begins, with done = 0, and after each of
// its steps. On another thread than the caller's. May throw, to stop: the exception leaves generate().
using Observer = std::function<void(std::string_view stage, std::int64_t done, std::int64_t steps)>;

}  // namespace unclip
