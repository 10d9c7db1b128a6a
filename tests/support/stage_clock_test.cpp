#include "support/stage_clock.h"

#include <gtest/gtest.h>

#include <thread>

TEST(StageClock, TellsStagesAndStepsWithoutTheFirst) {
  using std::chrono::milliseconds;
  unclip::StageClock clock;
  clock.tick("prior", 0);
  std::this_thread::sleep_for(milliseconds(120));
  clock.tick("prior", 1);
  for (int64_t step = 2; step <= 4; ++step) {
    std::this_thread::sleep_for(milliseconds(10));
    clock.tick("prior", step);
  }
  clock.tick("decoder", 0);
  clock.tick("decoder", 1);
  const auto stages = clock.stages();
  ASSERT_EQ(stages.size(), 2U);
  EXPECT_EQ(stages[0].stage, "prior");
  EXPECT_EQ(stages[0].steps, 4);
  EXPECT_GE(stages[0].seconds, 0.15);
  EXPECT_GE(stages[0].step_seconds, 0.01);
  EXPECT_LT(stages[0].step_seconds, 0.1);
  EXPECT_EQ(stages[1].steps, 1);
}
