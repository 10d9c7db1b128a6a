// A team of threads that really ends.
#include "device/team.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

namespace unclip {
namespace {

int64_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

TEST(Team, EndsAndBeginsAnew) {
  const int threads = at::get_num_threads();
  at::set_num_threads(4);
  const auto compute = [] { at::parallel_for(0, 4, 1, [](int64_t, int64_t) {}); };
  const int64_t alone = threads_of_this_process();
  for (int time = 0; time < 2; ++time) {
    compute();
    ASSERT_EQ(threads_of_this_process(), alone + 3);
    dismiss_team();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (threads_of_this_process() > alone && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(threads_of_this_process(), alone);
  }
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace unclip
