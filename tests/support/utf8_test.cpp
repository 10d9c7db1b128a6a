// The strict UTF-8 check against sequences at every border.
#include "support/utf8.h"

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

TEST(Utf8, NothingSteersATerminalOrHides) {
  EXPECT_EQ(visible("é\x1b[2J\x7f\t\xC2\x9b"
                    "A\n日\r"),
            R"(é\u001b[2J\u007f\u0009\u009bA\n日\u000d)");
  EXPECT_EQ(visible("a\nb", "\n    "), "a\n    b");
  EXPECT_EQ(visible("\u202egnp.exe\u2066\u200b\u2028\ufeff\U000e0041\u061c"),
            R"(\u202egnp.exe\u2066\u200b\u2028\ufeff\udb40\udc41\u061c)");
  EXPECT_EQ(visible("caf\xe9\xc3"), R"(caf\xe9\xc3)");
  EXPECT_EQ(visible("❤\ufe0f\u200d🔥 \U0001F431"), "❤\ufe0f\u200d🔥 \U0001F431");
  EXPECT_EQ(visible({"a\0b", 3}), R"(a\u0000b)");
}

TEST(Utf8, ExcerptsCountCharacters) {
  std::string text;
  for (int i = 0; i < 201; ++i) text += "é";
  EXPECT_EQ(excerpt(text), text.substr(0, 400) + "…");
  EXPECT_EQ(excerpt(text.substr(0, 400)), text.substr(0, 400));
  EXPECT_EQ(excerpt("a\xff\x1b", 2), "a\\xff…");
}

}  // namespace
}  // namespace unclip
