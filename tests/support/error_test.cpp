#include "unclip/error.h"

#include <gtest/gtest.h>

TEST(Error, CarriesCodeTextAndHint) {
  const unclip::Error error(unclip::ExitCode::model, "config.json: key \"a\" is missing",
                            "run unclip inspect");
  EXPECT_EQ(static_cast<int>(error.code), 3);
  EXPECT_STREQ(error.what(), "config.json: key \"a\" is missing");
  EXPECT_EQ(error.hint, "run unclip inspect");
}

TEST(Error, ComposesItsTextFromTheCause) {
  const unclip::Error error(unclip::ExitCode::usage,
                            unclip::Cause{.field = "mask", .expected = "4x4 pixels", .found = "3x2"},
                            "resize it");
  EXPECT_STREQ(error.what(), "mask: expected 4x4 pixels, found 3x2");
  EXPECT_EQ(error.hint, "resize it");
  EXPECT_EQ(error.cause.field, "mask");
  EXPECT_EQ(error.cause.found, "3x2");
}
