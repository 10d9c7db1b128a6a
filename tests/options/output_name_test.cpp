// File names: templates, folders, collisions, and slugs of odd prompts.
#include "options/output_name.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <random>

#include "unclip/error.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

std::string name(const std::string& output, const NameFields& fields) {
  return OutputNames().next(output, fields).string();
}

std::string error_of(const std::string& output) {
  try {
    OutputTemplate names(output);
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ExitCode::usage);
    EXPECT_FALSE(error.hint.empty());
    return error.what();
  }
  return "no error";
}

const NameFields kCircle{7, 42, 3, "A red circle!"};

TEST(OutputName, DefaultFoldersFilesAndTemplates) {
  EXPECT_EQ(name("", kCircle), "a-red-circle-42.png");
  EXPECT_EQ(name("new/", kCircle), "new/a-red-circle-42.png");
  EXPECT_EQ(name("cat.png", kCircle), "cat.png");
  EXPECT_EQ(name("cat.PNG", kCircle), "cat.PNG");
  EXPECT_EQ(name("out/{index:05}-{seed}-{slug}.png", kCircle), "out/00007-42-a-red-circle.png");
  EXPECT_EQ(name("{n}/{{{n:02}}}.png", kCircle), "3/{03}.png");
  EXPECT_EQ(name("{index}/", kCircle), "7/a-red-circle-42.png");
  EXPECT_EQ(name("{prompt_hash}.png", {0, 0, 0, "abc"}), "ba7816bf.png");
  EXPECT_EQ(name("{seed:020}.png", {0, 18446744073709551615U, 0, "x"}), "18446744073709551615.png");
}

TEST(OutputName, AnExistingFolderIsTakenAsItIs) {
  std::string pattern = (fs::temp_directory_path() / "unclip-{name}-XXXXXX").string();
  const std::string folder = mkdtemp(pattern.data());
  EXPECT_EQ(name(folder, kCircle), folder + "/a-red-circle-42.png");
  EXPECT_EQ(name(folder + "/", kCircle), folder + "/a-red-circle-42.png");
  fs::remove(folder);
}

TEST(OutputName, CollisionsGetASuffix) {
  OutputNames names;
  EXPECT_EQ(names.next("cat.png", kCircle), "cat.png");
  EXPECT_EQ(names.next("cat.png", kCircle), "cat-1.png");
  EXPECT_EQ(names.next("{slug}.png", {8, 0, 0, "cat"}), "cat-2.png");
  OutputNames slugs;
  EXPECT_EQ(slugs.next("{slug}.png", {0, 0, 0, "a 1"}), "a-1.png");
  EXPECT_EQ(slugs.next("{slug}.png", {0, 0, 0, "a"}), "a.png");
  EXPECT_EQ(slugs.next("{slug}.png", {0, 0, 0, "A"}), "a-2.png");  // a-1.png is taken
  for (const bool one_output : {false, true}) {
    OutputNames indexed(one_output);
    for (uint64_t index = 0; index < 3; ++index) {
      const std::string name = "out/" + std::to_string(index);
      EXPECT_EQ(indexed.next("out/{index}.png", {index, 0, 0, "a"}), name + ".png");
      EXPECT_EQ(indexed.next("out/{index}.png", {index, 1, 1, "a"}), name + "-1.png");
    }
  }
  OutputNames mixed;
  EXPECT_EQ(mixed.next("o/1.png", {0, 0, 0, "a"}), "o/1.png");
  EXPECT_EQ(mixed.next("o/{index}.png", {1, 0, 0, "a"}), "o/1-1.png");
  EXPECT_EQ(mixed.next("o/{index}.png", {2, 0, 0, "a"}), "o/2.png");
  EXPECT_EQ(mixed.next("o/2.png", {3, 0, 0, "a"}), "o/2-1.png");
}

TEST(OutputName, ATemplateKnowsItsFolderAndWhetherNamesTellTheIndex) {
  EXPECT_EQ(OutputTemplate("out/a-{index}/{n}.png").folder(), "out/");
  EXPECT_EQ(OutputTemplate("{slug}/x.png").folder(), "");
  EXPECT_EQ(OutputTemplate("cat.png").folder(), "");
  for (const char* yes : {"{index}.png", "out/{index:05}-{seed}.png", "o2{index}x{n}.png"})
    EXPECT_TRUE(OutputTemplate(yes).tells_index()) << yes;
  for (const char* no : {"cat.png", "{slug}-{index}.png", "{index}{n}.png", "{index}0-{n}.png", ""})
    EXPECT_FALSE(OutputTemplate(no).tells_index()) << no;
}

TEST(OutputName, MistakesNameTemplateAndColumn) {
  EXPECT_EQ(
      error_of("out/{foo}.png"),
      "-o 'out/{foo}.png', column 6: unknown field 'foo', expected index, seed, slug, prompt_hash or n");
  EXPECT_EQ(error_of("\u00fc{seed.png"),
            "-o '\u00fc{seed.png', column 2: '{' without '}'; write {{ for the brace itself");
  EXPECT_EQ(error_of("a}b.png"), "-o 'a}b.png', column 2: '}' without '{'; write }} for the brace itself");
  for (const char* bad : {"{index:5}.png", "{index:0}.png", "{index:00}.png", "{index:0x}.png",
                          "{index:021}.png", "{index:}.png", "{slug:05}.png", "{index:-05}.png"}) {
    EXPECT_NE(error_of(bad).find("bad width"), std::string::npos) << bad;
  }
  EXPECT_NE(error_of("{}.png").find("unknown field ''"), std::string::npos);
  for (const char* bad : {"cat", "cat.jpg", ".png", "out/.png", "out"}) {
    EXPECT_NE(error_of(bad).find("expected a name in .png"), std::string::npos) << bad;
  }
}

TEST(Slug, ReadableNames) {
  EXPECT_EQ(slug("A red circle, on the LEFT"), "a-red-circle-on-the-left");
  EXPECT_EQ(slug("\u00dcber Stra\u00dfe caf\u00e9"), "uber-strasse-cafe");
  EXPECT_EQ(slug("\u043a\u0440\u0430\u0441\u043d\u044b\u0439 \u043a\u0440\u0443\u0433"), "krasnyj-krug");
  EXPECT_EQ(slug("\u4f60\u597d"), "ni-hao");
  EXPECT_EQ(slug("\U0001F431\U0001F431"), "picture");
  EXPECT_EQ(slug(""), "picture");
  EXPECT_EQ(slug("../../etc/passwd"), "etc-passwd");
  EXPECT_EQ(slug("--overwrite"), "overwrite");
  EXPECT_EQ(slug(std::string(100, 'a')), std::string(60, 'a'));
  EXPECT_EQ(slug(std::string(50, 'a') + " " + std::string(50, 'b')), std::string(50, 'a'));
}

// 1,000 random strings: bytes of every value, path characters, code points of every plane.
TEST(Slug, NeverAPath) {
  std::mt19937 random(5);
  const auto odd_string = [&random] {
    const std::string bait = "/\\.-~:*?\"<>| \n\t%{}";
    std::string text;
    for (auto i = random() % 120; i > 0; --i) {
      switch (random() % 3) {
        case 0:
          text += static_cast<char>(random());
          break;
        case 1:
          text += bait[random() % bait.size()];
          break;
        default: {
          const auto code = 0x800 + random() % 0xf000;
          text += static_cast<char>(0xe0 | code >> 12);
          text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
          text += static_cast<char>(0x80 | (code & 0x3f));
        }
      }
    }
    return text;
  };
  for (int i = 0; i < 1000; ++i) {
    const std::string name = slug(odd_string());
    ASSERT_GE(name.size(), 1U);
    ASSERT_LE(name.size(), 60U);
    ASSERT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos) << name;
    ASSERT_NE(name.front(), '-');
    ASSERT_NE(name.back(), '-');
  }
}

}  // namespace
}  // namespace unclip
