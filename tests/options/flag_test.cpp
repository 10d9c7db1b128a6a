// The texts of flags, and the table of options as a whole.
#include "options/flag.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "options/option_table.h"
#include "support/one_of.h"

namespace unclip {
namespace {

TEST(OneOf, ListsWordsInEnglish) {
  EXPECT_EQ(one_of({}), "");
  EXPECT_EQ(one_of({"a"}), "a");
  EXPECT_EQ(one_of({"a", "b"}), "a or b");
  EXPECT_EQ(one_of({"a", "b", "c"}), "a, b or c");
}

TEST(Flag, ComposesOneLineAndReadsItBack) {
  const Flag flag{.names = "-n,--count",
                  .help = "Images per prompt; (default: each gets a seed)",
                  .example = "-n 4 (four)",
                  .fallback = "1 (one)"};
  EXPECT_EQ(flag.name(), "count");
  EXPECT_EQ(flag.help_line(),
            "Images per prompt; (default: each gets a seed), e.g. -n 4 (four) (default: 1 (one))");
  EXPECT_EQ(flag.summary(), "Images per prompt");
  const Flag again = read_help_line(flag.help_line());
  EXPECT_EQ(again.help, flag.help);
  EXPECT_EQ(again.example, flag.example);
  EXPECT_EQ(again.fallback, flag.fallback);
  EXPECT_EQ(Flag{.help = "Model folder"}.help_line(), "Model folder");
  EXPECT_EQ(read_help_line("Model folder").help, "Model folder");
  EXPECT_EQ((Flag{.help = "Run folder", .example = "-o run"}).help_line(), "Run folder, e.g. -o run");
}

TEST(OptionTable, EveryOptionHasAllTexts) {
  std::set<std::string> names, keys;
  for (const Option& option : option_table()) {
    EXPECT_TRUE(names.insert(option.name()).second) << option.name();
    EXPECT_TRUE(keys.insert(option.key()).second) << option.key();
    EXPECT_TRUE(option.parse && option.to_json) << option.name();
    EXPECT_EQ(find_option(option.key()), &option);
    if (option.tasks.empty()) continue;  // only recorded
    EXPECT_FALSE(option.help.empty()) << option.name();
    if (!option.names.starts_with('-')) continue;
    EXPECT_FALSE(option.fallback.empty()) << option.name();
    EXPECT_NE(option.example.find('-'), std::string::npos) << option.name();
    EXPECT_STRNE(option.group, "") << option.name();
    EXPECT_EQ(option.value_name.empty(), option.kind == Option::Kind::flag) << option.name();
  }
}

// What stands behind the flag in its example.
std::string value_in_example(const Option& option) {
  for (const std::string& spelling : {"--" + option.name() + ' ', option.names.substr(0, 2) + ' '}) {
    const size_t at = (' ' + option.example).find(' ' + spelling);
    if (at == std::string::npos) continue;
    const std::string behind = option.example.substr(at + spelling.size());
    return behind.starts_with('"') ? behind.substr(1, behind.find('"', 1) - 1)
                                   : behind.substr(0, behind.find(' '));
  }
  return option.kind == Option::Kind::flag ? "true" : "no example";
}

// An example is no decoration: the value that stands in it is one that the option takes and prints again.
TEST(OptionTable, FindsOptionsByTheirOtherNames) {
  for (const auto& [name, other] : {std::pair{"steps", "decoder_steps"}, {"guidance", "decoder-guidance"}}) {
    ASSERT_NE(find_option(name), nullptr) << name;
    EXPECT_EQ(find_option(name), find_option(other));
  }
  EXPECT_EQ(find_option("decoder-steps")->name(), "decoder-steps");
  EXPECT_EQ(find_option("decoder-steps,--steps"), nullptr);
  EXPECT_EQ(find_option("s"), nullptr);
}

TEST(OptionTable, TakesTheValueOfEachExample) {
  for (const Option& option : option_table()) {
    if (!option.names.starts_with('-')) continue;  // no flag, so no example
    const std::string value = value_in_example(option);
    ImageOptions options;
    EXPECT_NO_THROW(option.parse(options, option.kind == Option::Kind::flag ? "true" : value)) << value;
    const nlohmann::json printed = option.to_json(options);
    if (option.kind == Option::Kind::number)
      EXPECT_EQ(printed.get<double>(), std::stod(value)) << option.name();
    else
      EXPECT_EQ(printed, option.kind == Option::Kind::flag ? nlohmann::json(true) : nlohmann::json(value));
  }
}

}  // namespace
}  // namespace unclip
