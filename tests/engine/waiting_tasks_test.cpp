// Which batch is drawn next, of tasks that wait.
#include "engine/waiting_tasks.h"

#include <gtest/gtest.h>

#include <thread>

namespace unclip {
namespace {

using namespace std::chrono_literals;

// `seed` tells them apart.
ImageTask task(uint64_t seed) { return {.options = {}, .seed = seed}; }

std::vector<uint64_t> seeds(const std::vector<ImageTask>& tasks) {
  std::vector<uint64_t> out;
  for (const ImageTask& one : tasks) out.push_back(one.seed);
  return out;
}

TEST(WaitingTasks, KeepsWhatMayShareABatchTogetherAndInOrder) {
  WaitingTasks waiting;
  for (uint64_t i = 0; i < 5; ++i) waiting.add(i % 2 == 0 ? "even" : "odd", task(i));
  EXPECT_EQ(waiting.size(), 5U);
  EXPECT_EQ(waiting.largest()->first, "even");
  EXPECT_EQ(seeds(waiting.take(waiting.largest(), 2)), (std::vector<uint64_t>{0, 2}));
  EXPECT_EQ(waiting.largest()->first, "odd");
  EXPECT_EQ(seeds(waiting.take(waiting.largest(), 8)), (std::vector<uint64_t>{1, 3}));
  EXPECT_EQ(seeds(waiting.take(waiting.any(), 8)), std::vector<uint64_t>{4});
  EXPECT_TRUE(waiting.empty());
}

TEST(WaitingTasks, AreReadyAsAWholeBatchOrAfterTheirPatience) {
  WaitingTasks waiting;
  waiting.add("first", task(0));
  EXPECT_EQ(waiting.ready(2, 1h), waiting.none());
  std::this_thread::sleep_for(2ms);
  waiting.add("second", task(1));
  waiting.add("second", task(2));
  EXPECT_EQ(waiting.ready(2, 1h)->first, "second") << "a whole batch";
  std::this_thread::sleep_for(2ms);
  EXPECT_EQ(waiting.ready(2, 1ms)->first, "first") << "both are due; this one has waited longer";
  EXPECT_EQ(waiting.oldest()->first, "first");
}

TEST(WaitingTasks, ThatNobodyWantsAreDoneOnce) {
  WaitingTasks waiting;
  int dropped = 0;
  for (uint64_t i = 0; i < 6; ++i) {
    ImageTask one = task(i);
    one.wanted = [i] { return i == 3; };
    one.done = [&dropped](const ImageResult& result) {
      EXPECT_EQ(result.error.value().code, ExitCode::interrupted);
      ++dropped;
    };
    waiting.add(std::to_string(i % 3), one);
  }
  waiting.drop_unwanted();
  EXPECT_EQ(dropped, 5);
  EXPECT_EQ(waiting.size(), 1U);
  EXPECT_EQ(seeds(waiting.take(waiting.any(), 1)), std::vector<uint64_t>{3});
}

TEST(WaitingTasks, AreGivenTheirResultOnce) {
  int results = 0;
  ImageTask one = task(0);
  one.done = [&results](const ImageResult&) { ++results; };
  give(one, {});
  give(one, {});
  EXPECT_EQ(results, 1);
}

}  // namespace
}  // namespace unclip
