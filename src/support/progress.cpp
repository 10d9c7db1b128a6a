// Draws the progress line. Time left is that of the stage until images are finished; then the time a
// finished image took, times the images left.
#include "support/progress.h"

#include <spdlog/fmt/fmt.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace unclip {
namespace {

constexpr std::chrono::milliseconds kRedraw{100};

bool can_redraw(int descriptor) {
  const char* kind = std::getenv("TERM");
  return isatty(descriptor) != 0 && (kind == nullptr || std::string_view(kind) != "dumb");
}

// The last column stays free: a full line would wrap, and the next redraw would start one line lower.
std::size_t columns(int descriptor) {
  winsize size{};
  const bool known = ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col - 1U : 79U;
}

// A failed write (closed stderr) must not stop the images.
void print(int descriptor, std::string_view text) {
  [[maybe_unused]] const ssize_t written = ::write(descriptor, text.data(), text.size());
}

std::string duration(double seconds) {
  const auto whole = std::lround(std::max(seconds, 0.0));
  if (whole >= 3600) {
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  }
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

double seconds(Progress::Clock::duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

Progress::Progress(int images, ProgressOptions options)
    : images_(images),
      options_(options),
      terminal_(can_redraw(options.descriptor)),
      start_(Clock::now()),
      stage_start_(start_),
      last_done_(start_),
      last_draw_(start_) {}

Progress::~Progress() { clear(); }

void Progress::begin_stage(std::string_view name, int steps) {
  const std::lock_guard lock(mutex_);
  stage_ = name;
  steps_ = steps;
  step_ = 0;
  stage_start_ = Clock::now();
  draw(true);
}

void Progress::step_done() {
  const std::lock_guard lock(mutex_);
  ++step_;
  draw(step_ == steps_);
}

void Progress::images_done(int count) {
  const std::lock_guard lock(mutex_);
  done_ += count;
  last_done_ = Clock::now();
  draw(true);
}

void Progress::clear() {
  const std::lock_guard lock(mutex_);
  wipe();
}

void Progress::wipe() {
  if (drawn_ > 0) {
    print(options_.descriptor, fmt::format("\r{:{}}\r", "", drawn_));
    drawn_ = 0;
  }
}

void Progress::draw(bool now) {
  const Clock::time_point time = Clock::now();
  const Clock::duration since = time - last_draw_;
  const bool due = terminal_ ? now || since >= kRedraw : since >= options_.line_every;
  if (options_.quiet || !due) {
    return;
  }
  last_draw_ = time;
  std::string text = line(time);
  if (!terminal_) {
    print(options_.descriptor, text + "\n");
    return;
  }
  text.resize(std::min(text.size(), columns(options_.descriptor)));
  print(options_.descriptor, fmt::format("\r{:{}}", text, drawn_));
  drawn_ = text.size();
}

std::string Progress::line(Clock::time_point now) const {
  const std::string images =
      images_ > 0 ? fmt::format(" | images: {} done, {} left", done_, images_ - done_) : "";
  return fmt::format("{} {}/{}{}{}", stage_, step_, steps_, images, time_left(now));
}

std::string Progress::time_left(Clock::time_point now) const {
  if (done_ > 0) {
    const double each = seconds(last_done_ - start_) / done_;
    return fmt::format(" | {} left", duration(each * (images_ - done_) - seconds(now - last_done_)));
  }
  if (step_ > 0) {
    const double each = seconds(now - stage_start_) / step_;
    return fmt::format(" | {} left in this stage", duration(each * (steps_ - step_)));
  }
  return {};
}

}  // namespace unclip
