// The program's log: spdlog to standard error, so that standard output carries results only.
#pragma once

#include <spdlog/spdlog.h>

namespace unclip {

enum class Verbosity { quiet, normal, verbose };

// Sends spdlog to stderr, coloured only on a terminal without NO_COLOR. Quiet shows errors only.
void set_up_log(Verbosity verbosity);

}  // namespace unclip
