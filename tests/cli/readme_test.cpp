// The help of all verbs is whole, and the README's table of options is the parser's.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "cli/interface.h"
#include "cli/parser.h"

namespace unclip {
namespace {

InterfaceDescription interface_of_program() {
  const Parser parser;
  return describe_interface(parser.app());
}

// CLI11's own.
bool is_common(const FlagDescription& flag) {
  return flag.long_name == "help" || flag.long_name == "version";
}

// A bar would end the cell.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

std::string table(const VerbDescription& verb) {
  std::ostringstream out;
  for (const FlagDescription& flag : verb.flags) {
    if (is_common(flag)) continue;
    const Flag without_default{.help = flag.text.help, .example = flag.text.example};
    out << "| `";
    if (!flag.short_name.empty()) out << '-' << flag.short_name << ", ";
    out << "--" << flag.long_name << (flag.takes_value ? " " + cell(flag.value.name) : "") << "` | "
        << cell(flag.text.fallback) << " | " << cell(without_default.help_line()) << " |\n";
  }
  return out.str();
}

TEST(Readme, ListsTheOptionsOfGenerateAsTheParserKnowsThem) {
  const InterfaceDescription interface = interface_of_program();
  const auto generate = std::ranges::find(interface.verbs, std::string("generate"), &VerbDescription::name);
  ASSERT_NE(generate, interface.verbs.end());
  std::ifstream in(std::filesystem::path(UNCLIP_TEST_DATA) / "../../README.md");
  std::stringstream readme;
  readme << in.rdbuf();
  const std::string expected = table(*generate);
  EXPECT_NE(readme.str().find("|---|---|---|\n" + expected + '\n'), std::string::npos)
      << "README.md should say:\n"
      << expected;
}

// One sentence in the imperative: a capital at its start, no period at its end.
void expect_sentence(const std::string& text, const std::string& where) {
  ASSERT_FALSE(text.empty()) << where;
  EXPECT_TRUE(std::isupper(static_cast<unsigned char>(text.front()))) << where << ": " << text;
  EXPECT_NE(text.back(), '.') << where << ": " << text;
}

void expect_flag(const FlagDescription& flag, const std::string& where) {
  expect_sentence(flag.text.help, where);
  const std::string& example = flag.text.example;
  const bool named =
      example.find("--" + flag.long_name) != std::string::npos ||
      (!flag.short_name.empty() && (' ' + example).find(" -" + flag.short_name) != std::string::npos);
  EXPECT_TRUE(named) << where << ": no example of its use: " << example;
  EXPECT_EQ(flag.text.fallback.empty(), flag.required) << where << ": a default, or it is required";
  EXPECT_EQ(flag.takes_value, !flag.value.name.empty()) << where;
}

TEST(Help, EveryFlagOfEveryVerbHasAnExampleAndADefault) {
  size_t flags = 0;
  for (const VerbDescription& verb : interface_of_program().verbs) {
    expect_sentence(verb.help, verb.name);
    EXPECT_NE(verb.footer.find("Example: unclip " + verb.name), std::string::npos) << verb.name;
    for (const ArgumentDescription& argument : verb.arguments)
      expect_sentence(argument.help, verb.name + ' ' + argument.value.name);
    for (const FlagDescription& flag : verb.flags) {
      if (is_common(flag)) continue;
      expect_flag(flag, verb.name + " --" + flag.long_name);
      ++flags;
    }
  }
  EXPECT_GT(flags, 90U);
}

// What several verbs have says the same in each of them, but for what the verb makes of it.
TEST(Help, OneSpellingStandsForOneValue) {
  std::map<std::string, std::string> values;
  for (const VerbDescription& verb : interface_of_program().verbs) {
    if (verb.name == "pull") continue;  // its --prior and --dtype tell what to download
    for (const FlagDescription& flag : verb.flags)
      if (flag.long_name == "model" || flag.long_name == "prior" || flag.long_name == "device" ||
          flag.long_name == "dtype" || flag.long_name == "tolerance" || flag.long_name == "threads") {
        const auto [first, is_new] =
            values.emplace(flag.long_name, flag.value.name + ' ' + flag.text.help + flag.text.example);
        EXPECT_EQ(first->second, flag.value.name + ' ' + flag.text.help + flag.text.example) << verb.name;
      }
  }
  EXPECT_EQ(values.size(), 6U);
}

}  // namespace
}  // namespace unclip
