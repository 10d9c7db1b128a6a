// The progress line on a pipe and on a pseudo terminal.
#include "support/progress.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <thread>

namespace unclip {
namespace {

using namespace std::chrono_literals;

std::string drain(int descriptor) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = read(descriptor, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

void run(int images, int steps, ProgressOptions options, std::chrono::milliseconds pause) {
  Progress progress(images, options);
  for (int image = 0; image < images; ++image) {
    progress.begin_stage("decoder", steps);
    for (int step = 0; step < steps; ++step) {
      std::this_thread::sleep_for(pause);
      progress.step_done();
    }
    progress.images_done(1);
  }
}

std::string on_pipe(int images, int steps, ProgressOptions options, std::chrono::milliseconds pause) {
  int ends[2] = {};
  EXPECT_EQ(pipe(ends), 0);
  options.descriptor = ends[1];
  run(images, steps, options, pause);
  close(ends[1]);
  const std::string text = drain(ends[0]);
  close(ends[0]);
  return text;
}

TEST(Progress, ShortRunsSayNothingOffTerminal) { EXPECT_EQ(on_pipe(3, 1000, {}, 0ms), ""); }

TEST(Progress, PlainLinesNoMoreOftenThanAllowed) {
  ProgressOptions options;
  options.line_every = 100ms;
  const Progress::Clock::time_point start = Progress::Clock::now();
  const std::string text = on_pipe(2, 25, options, 10ms);  // 0.5 s or, on a noisy machine, more
  const auto lines = std::count(text.begin(), text.end(), '\n');
  EXPECT_GE(lines, 2) << text;
  EXPECT_LE(lines, (Progress::Clock::now() - start) / options.line_every) << text;
  EXPECT_EQ(text.find_first_of("\r\033"), std::string::npos);
  EXPECT_NE(text.find("decoder "), std::string::npos);
  EXPECT_NE(text.find("/25 | images: 0 done, 2 left | 0:0"), std::string::npos) << text;
  EXPECT_NE(text.find("images: 1 done, 1 left | 0:0"), std::string::npos) << text;
}

TEST(Progress, QuietPrintsNothing) {
  ProgressOptions options;
  options.quiet = true;
  options.line_every = 0ms;
  EXPECT_EQ(on_pipe(2, 5, options, 0ms), "");
}

TEST(Progress, OneRedrawnLineOnATerminal) {
  setenv("TERM", "xterm", 1);
  int master = -1;
  int slave = -1;
  const winsize narrow{24, 40, 0, 0};
  ASSERT_EQ(openpty(&master, &slave, nullptr, nullptr, &narrow), 0);
  ProgressOptions options;
  options.descriptor = slave;
  run(2, 3, options, 1ms);
  close(slave);
  const std::string text = drain(master);
  close(master);
  EXPECT_EQ(text.find_first_of("\n\033"), std::string::npos);
  EXPECT_NE(text.find("\rdecoder 3/3 | images: 0 done, 2 left"), std::string::npos) << text;
  EXPECT_EQ(text.back(), '\r');  // wiped at the end
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\r', at), text.size());
    EXPECT_LT(end - at, 40U);
    at = end + 1;
  }
}

}  // namespace
}  // namespace unclip
