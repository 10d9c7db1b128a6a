#include "device/workers.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace unclip {
namespace {

// Also for torch's own loops, which ask at their first call, and whatever others choose meanwhile.
TEST(Workers, KeepTheirNumberOfThreads) {
  const int here = at::get_num_threads();
  Workers workers(2, 1);
  EXPECT_EQ(at::get_num_threads(), here);
  at::set_num_threads(3);
  std::vector<int> numbers(2);
  workers.run(2, [&](int i) {
    at::parallel_for(0, 1 << 20, 1, [](int64_t, int64_t) {});
    numbers[static_cast<size_t>(i)] = at::get_num_threads();
  });
  at::set_num_threads(here);
  EXPECT_EQ(numbers, (std::vector<int>{1, 1}));
}

TEST(Workers, DoEachItemOnce) {
  Workers workers(3, 1);
  std::vector<int> done(10);
  workers.for_each(10, [&](int64_t i) { ++done[static_cast<size_t>(i)]; });
  EXPECT_EQ(done, std::vector<int>(10, 1));
}

TEST(Workers, RethrowAFaultAndGoOn) {
  Workers workers(2, 1);
  EXPECT_THROW(workers.run(2,
                           [](int i) {
                             if (i == 1) throw std::runtime_error("one");
                           }),
               std::runtime_error);
  int calls = 0;
  workers.run(1, [&](int) { ++calls; });
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace unclip
