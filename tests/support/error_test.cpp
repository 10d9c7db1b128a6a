#include "unclip/error.h"

#include <gtest/gtest.h>

TEST(Error, CarriesCodeTextAndHint) {
  const unclip::Error error(unclip::ExitCode::model, "config.json: key \"a\" is missing",
                            "run unclip inspect");
  EXPECT_EQ(static_cast<int>(error.code), 3);
  EXPECT_STREQ(error.what(), "config.json: key \"a\" is missing");
  EXPECT_EQ(error.hint, "run unclip inspect");
}
