// The program's log: spdlog to standard error, so that standard output carries results only.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

namespace unclip {

enum class Verbosity { quiet, normal, verbose };

// Sends spdlog to stderr, colored only on a terminal without NO_COLOR. Quiet shows errors only.
void set_up_log(Verbosity verbosity);

// What went wrong, and below it what to do next.
void log_error(const std::string& what, const std::string& hint);

}  // namespace unclip
