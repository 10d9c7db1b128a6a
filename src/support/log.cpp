// Sets spdlog up for a command line tool: stderr, no timestamps unless verbose, nothing that steers a
// terminal.
#include "support/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "support/utf8.h"

namespace unclip {
namespace {

// Messages name files and quote what others wrote. A line of theirs is indented: it cannot pass for one of
// ours.
class VisiblePayload final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& to) override {
    const std::string text = visible({message.payload.data(), message.payload.size()}, "\n  ");
    to.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<VisiblePayload>(); }
};

}  // namespace

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
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<VisiblePayload>('*').set_pattern(
      verbosity == Verbosity::verbose ? "[%H:%M:%S.%e] %^%l%$: %*" : "%^%l%$: %*");
  spdlog::set_formatter(std::move(formatter));
}

void log_error(const std::string& what, const std::string& hint) {
  spdlog::error(what);
  if (!hint.empty()) spdlog::error("  {}", hint);
}

}  // namespace unclip
