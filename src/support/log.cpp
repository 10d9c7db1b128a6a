// Sets spdlog up for a command line tool: stderr, no timestamps unless verbose.
#include "unclip/support/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <cstdlib>

namespace unclip {

void set_up_log(Verbosity verbosity) {
  const char* no_color = std::getenv("NO_COLOR");
  const bool color = isatty(STDERR_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(color ? spdlog::color_mode::always
                                                                          : spdlog::color_mode::never);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("unclip", std::move(sink)));
  switch (verbosity) {
    case Verbosity::quiet:
      spdlog::set_level(spdlog::level::err);
      break;
    case Verbosity::normal:
      spdlog::set_level(spdlog::level::info);
      break;
    case Verbosity::verbose:
      spdlog::set_level(spdlog::level::debug);
      break;
  }
  spdlog::set_pattern(verbosity == Verbosity::verbose ? "[%H:%M:%S.%e] %^%l%$: %v" : "%^%l%$: %v");
}

void log_error(const std::string& what, const std::string& hint) {
  spdlog::error(what);
  if (!hint.empty()) spdlog::error("  {}", hint);
}

}  // namespace unclip
