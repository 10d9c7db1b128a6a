// The strict UTF-8 check against sequences at every border.
#include "unclip/support/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace unclip {
namespace {

TEST(Utf8, AcceptsTheBorders) {
  for (const std::string text : {"", "a", "\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                                 "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_FALSE(find_invalid_utf8(text + '\0' + text)) << text;
}

TEST(Utf8, FindsTheFirstBadByte) {
  for (const char* bad : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF",
                          "\xE1\x80", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF0\x90\x80", "\xF4\x90\x80\x80",
                          "\xF5\x80\x80\x80", "\xFE", "\xFF"})
    EXPECT_EQ(find_invalid_utf8("aé" + std::string(bad) + "b"), 3u) << bad;
  EXPECT_EQ(utf8_column("aé\xff", 3), 3u);
}

TEST(Utf8, PrintsNothingThatSteersATerminal) {
  EXPECT_EQ(printable("é\x1b[2J\x7f\t\xC2\x9b"
                      "A\n日"),
            "é?[2J???A?日");
  EXPECT_EQ(printable("a\nb", "\n    "), "a\n    b");
}

}  // namespace
}  // namespace unclip
