// The deny file: words, expressions, what Unicode can hide, bad lines.
#include "unclip/batch/policy.h"

#include <gtest/gtest.h>

#include <fstream>

#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

class Policy : public testing::Test {
 protected:
  PromptPolicy of(const std::string& rules) const {
    std::ofstream(file, std::ios::binary) << rules;
    return PromptPolicy(file);
  }
  // The line of the rule that refuses the prompt; 0 when none does.
  int line(const PromptPolicy& policy, const std::string& prompt) const {
    const auto rule = policy.refused_by(prompt);
    if (!rule) return 0;
    EXPECT_EQ(rule->rfind(file.string() + ':', 0), 0U) << *rule;
    return std::stoi(rule->substr(file.string().size() + 1));
  }

  TemporaryFolder folder;
  std::filesystem::path file = folder.path / "deny.txt";
};

TEST_F(Policy, WordsAreWholeWordsInAnyForm) {
  const PromptPolicy policy = of("# weapons\ngun\n\n  Straße \r\nred  circle\n\u88f8\u4f53\nna\u00efve\n");
  for (const char* prompt :
       {"gun", "A GUN.", "a gun, a cat", "(gun)", "gun-metal", "\uff27\uff35\uff2e", "g\u00adun",
        "g\u200bu\u200dn", "\U0001d420\U0001d42e\U0001d427", "the_gun_", "a cat\ngun"})
    EXPECT_EQ(line(policy, prompt), 2) << prompt;
  for (const char* prompt : {"", "begun", "guns", "gun2", "g un", "g\u00fcn", "gun\u0308"})
    EXPECT_EQ(line(policy, prompt), 0) << prompt;
  EXPECT_EQ(line(policy, "eine STRASSE im Wald"), 4);
  EXPECT_EQ(line(policy, "a Red, circle"), 5) << "words in this order, whatever stands between them";
  EXPECT_EQ(line(policy, "a red big circle"), 0);
  EXPECT_EQ(line(policy, "a circle red"), 0);
  EXPECT_EQ(line(policy, "\u7f8e\u3057\u3044\u88f8\u4f53\u753b"), 6) << "scripts without spaces";
  EXPECT_EQ(line(policy, "\u88f8\u306e\u4f53"), 0);
  EXPECT_EQ(line(policy, "nai\u0308ve art"), 7) << "decomposed";
  EXPECT_EQ(line(policy, "naive art"), 0) << "accents count";
}

TEST_F(Policy, ExpressionsAreFoundAnywhere) {
  const PromptPolicy policy = of("\xEF\xBB\xBF/\\bgun(s|fire)?\\b/\n/[!?]{3}/\n/a/b/\n");
  EXPECT_EQ(line(policy, "two GUNS"), 1);
  EXPECT_EQ(line(policy, "\uff47unfire"), 1);
  EXPECT_EQ(line(policy, "begun"), 0);
  EXPECT_EQ(line(policy, "now!?!"), 2);
  EXPECT_EQ(line(policy, "half a/b half"), 3);
}

TEST_F(Policy, AnExpressionThatNeverEndsRefuses) {
  const PromptPolicy policy = of("/(x+x+)+y/\n");
  EXPECT_EQ(line(policy, std::string(2000, 'x')), 1);
  EXPECT_EQ(line(policy, "a red circle"), 0);
}

TEST_F(Policy, ManyRulesAndPromptsTakeNoTime) {
  std::string rules;
  for (int i = 0; i < 50'000; ++i) rules += "forbidden" + std::to_string(i) + " word\n";
  const PromptPolicy policy = of(rules);
  for (int i = 0; i < 10'000; ++i)
    ASSERT_EQ(line(policy, "a red circle " + std::to_string(i) + " left of a large yellow star, watercolor"),
              0);
  EXPECT_EQ(line(policy, "a forbidden49999 word"), 50'000);
}

TEST_F(Policy, BadLinesAreListedWithTheirPlace) {
  expect_refusal(ExitCode::usage, file.string() + ":2:6: no valid regular expression (U_REGEX_",
                 [&] { of("ok\n /a(b/\n"); });
  const std::string all = refusal(ExitCode::usage, [&] { of("/a[/\n!?\nfine\n/open\n//\nab\xff\n"); });
  for (const char* part :
       {":1:", "regular expression", ":2:1: no word in it", ":4:1: expected an expression between",
        ":5:1: expected an expression between", ":6:3: invalid UTF-8", "nothing was done"})
    EXPECT_NE(all.find(part), std::string::npos) << "no '" << part << "' in " << all;
  EXPECT_EQ(all.find("txt:3:"), std::string::npos) << all;
  expect_refusal(ExitCode::io, "missing or unreadable", [&] { PromptPolicy(folder.path / "none.txt"); });
  expect_refusal(ExitCode::io, "missing or unreadable", [&] { PromptPolicy(folder.path); });
}

}  // namespace
}  // namespace unclip
