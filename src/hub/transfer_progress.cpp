// Draws the line of a download. Speed and time left are those of this run.
#include "hub/transfer_progress.h"

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace unclip {
namespace {

bool can_redraw() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && (kind == nullptr || std::string_view(kind) != "dumb");
}

// A closed standard error stops no download.
void print(const std::string& text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e7));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array units{"kB", "MB", "GB", "TB", "PB"};
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  double count = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; count >= 999.5 && unit + 1 < units.size(); ++unit) count /= 1000;
  return fmt::format("{:.{}f} {}", count, count < 9.95 ? 1 : 0, units[unit]);
}

TransferProgress::TransferProgress(std::string name, std::uint64_t here, std::uint64_t total, bool quiet)
    : name_(std::move(name)), here_(here), total_(total), quiet_(quiet), terminal_(can_redraw()) {}

TransferProgress::~TransferProgress() {
  if (drawn_ > 0) print(fmt::format("\r{:{}}\r", "", drawn_));
}

void TransferProgress::show(std::uint64_t bytes) {
  const Clock::time_point now = Clock::now();
  const std::chrono::milliseconds every(terminal_ ? 200 : 10'000);
  if (quiet_ || now - last_ < every) return;
  last_ = now;
  const std::string text = line(bytes, std::chrono::duration<double>(now - start_).count()).substr(0, 79);
  print(terminal_ ? fmt::format("\r{:{}}", text, drawn_) : text + '\n');
  if (terminal_) drawn_ = text.size();
}

std::string TransferProgress::line(std::uint64_t bytes, double seconds) const {
  std::string text = fmt::format("{}: {} of {}", name_, bytes_text(bytes), bytes_text(total_));
  if (bytes <= here_ || seconds <= 0) return text;
  const double speed = static_cast<double>(bytes - here_) / seconds;
  text += fmt::format(" | {}/s", bytes_text(static_cast<std::uint64_t>(speed)));
  return text +
         fmt::format(" | {} left", duration(static_cast<double>(total_ - std::min(bytes, total_)) / speed));
}

}  // namespace unclip
