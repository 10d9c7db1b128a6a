// The deny file: words, expressions, what Unicode can hide, bad lines.
#include "batch/policy.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "refusal.h"
#include "support/utf8.h"
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

// What tokenizers drop or read as a space: it neither hides a word nor glues two together.
TEST_F(Policy, NothingIsHiddenByWhatModelsDoNotRead) {
  const PromptPolicy policy = of("gun\nred circle\n/\\bbombs?\\b/\n");
  for (const char* c : {"\x01",   "\x08",   "\x1b",   "\x7f",       "\u0080",     "\u009f",    "\u00ad",
                        "\u034f", "\u061c", "\u115f", "\u180e",     "\u200b",     "\u200d",    "\u202e",
                        "\u2060", "\u2066", "\u3164", "\ufe0f",     "\ufeff",     "\uffa0",    "\ufff9",
                        "\ufffd", "\uffff", "\ue000", "\U000e0001", "\U000e0100", "\U000f0000"}) {
    EXPECT_EQ(line(policy, std::string("g") + c + "un"), 1) << visible(c);
    EXPECT_EQ(line(policy, std::string("a") + c + " gun" + c), 1) << visible(c);
    EXPECT_EQ(line(policy, std::string("red") + c + "circle"), 2) << visible(c);
    EXPECT_EQ(line(policy, std::string("two bo") + c + "mbs"), 3) << visible(c);
  }
  EXPECT_EQ(line(policy, std::string("g\0un", 4)), 1);
  EXPECT_EQ(line(policy, "red\x01\n circle"), 2);
  EXPECT_EQ(line(of("g\x01un\n"), "gun"), 1) << "in a rule, too";
}

TEST_F(Policy, LookAlikesAreOneLetter) {
  const PromptPolicy policy = of("pistol\ncocaine\n/\\bmurder/\nbomb\nmodem\n");
  for (const char* prompt : {"р\u0456stol", "pist\u03bfl", "\u0440istol", "pisto\u217c", "P\u0406STOL"})
    EXPECT_EQ(line(policy, prompt), 1) << prompt;
  EXPECT_EQ(line(policy, "\u0441\u043e\u0441\u0430ine"), 2) << "Cyrillic";
  EXPECT_EQ(line(policy, "murd\u0435rer"), 3);
  EXPECT_EQ(line(policy, "b0mb"), 4);
  EXPECT_EQ(line(policy, "BOM\u200b\u0412"), 4) << "a capital, and two ways at once";
  EXPECT_EQ(line(policy, "COCA\u0406\u039dE"), 2);
  for (const char* prompt : {"a modern house", "p\u00edstol", "a corn field", "6omb", "p i s t o l"})
    EXPECT_EQ(line(policy, prompt), 0) << prompt;
}

TEST_F(Policy, NegativePromptsAreRead) {
  const PromptPolicy policy = of("gun\n");
  for (auto field :
       {&ImageOptions::prompt, &ImageOptions::negative_prompt, &ImageOptions::negative_prior_prompt}) {
    ImageOptions job;
    job.prompt = "a cat";
    EXPECT_FALSE(policy.refused_by(job));
    job.*field = "a gun";
    EXPECT_TRUE(policy.refused_by(job));
  }
}

TEST_F(Policy, LongPhrasesAndPromptsTakeNoTime) {
  std::string phrase, rules;
  for (int i = 0; i < 20'000; ++i) {
    phrase += "ab ";
    if (i % 1000 == 0) rules += phrase + "end\n";  // of every length
  }
  const PromptPolicy policy = of(rules + phrase + "c\n");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(line(policy, phrase + phrase), 0);
  EXPECT_EQ(line(policy, phrase + "ab ab c"), 21);
  EXPECT_EQ(line(policy, "x ab ab end"), 1);
  EXPECT_EQ(line(policy, phrase + "end"), 1) << "the first of several";
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
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
  expect_refusal(ExitCode::usage, file.string() + ":2:6: invalid regular expression (U_REGEX_",
                 [&] { of("ok\n /a(b/\n"); });
  const std::string all = refusal(ExitCode::usage, [&] { of("/a[/\n!?\nfine\n/open\n//\nab\xff\n"); });
  for (const char* part :
       {":1:", "regular expression", ":2:1: no words", ":4:1: expected an expression between",
        ":5:1: expected an expression between", ":6:3: invalid UTF-8", "nothing has been generated"})
    EXPECT_NE(all.find(part), std::string::npos) << "no '" << part << "' in " << all;
  EXPECT_EQ(all.find("txt:3:"), std::string::npos) << all;
  expect_refusal(ExitCode::io, "missing or unreadable", [&] { PromptPolicy(folder.path / "none.txt"); });
  expect_refusal(ExitCode::io, "missing or unreadable", [&] { PromptPolicy(folder.path); });
}

}  // namespace
}  // namespace unclip
