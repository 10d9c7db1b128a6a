// The library's errors in the command line's words.
#include "options/advice.h"

#include <gtest/gtest.h>

namespace unclip {
namespace {

std::string told(const Error& error) { return in_flags(error).what() + (" | " + in_flags(error).hint); }

TEST(Advice, NamesTheFlagInsteadOfTheField) {
  const Error error(ExitCode::usage, Cause{.field = "init_image", .expected = "one", .found = "none"},
                    "pass one");
  EXPECT_EQ(told(error), "--init-image: expected one, found none | pass one");
  EXPECT_EQ(in_flags(error).code, ExitCode::usage);
}

TEST(Advice, AddsTheFlagsThatHelp) {
  EXPECT_EQ(told({ExitCode::out_of_memory, "out of GPU memory", {}, {.field = "device"}}),
            "out of GPU memory | try a smaller --batch-size, --dtype bf16 or --device cpu");
  EXPECT_EQ(told({ExitCode::io, "cannot write a", "free some space", {.field = "output"}}),
            "cannot write a | free some space, or choose another place with -o");
  EXPECT_EQ(told({ExitCode::io, "cannot write a", {}, {.field = "overwrite"}}),
            "cannot write a | pass --overwrite to replace it, or choose another name with -o");
}

TEST(Advice, LeavesEverythingElseAsItIs) {
  EXPECT_EQ(told({ExitCode::io, "mask: no cause", "a hint"}), "mask: no cause | a hint");
  EXPECT_EQ(told({ExitCode::usage, "a_mask: x", "a hint", {.field = "mask"}}), "a_mask: x | a hint");
  const Error once = in_flags({ExitCode::usage, "prompt", "shorten it", {.field = "strict"}});
  EXPECT_EQ(told(once), "prompt | shorten it, or leave out --strict");
}

}  // namespace
}  // namespace unclip
