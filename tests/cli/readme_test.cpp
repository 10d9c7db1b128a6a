// The README's table of options is the parser's.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/interface.h"
#include "cli/parser.h"

namespace unclip {
namespace {

// "Images per prompt, e.g. -n 4 (default: 1)" → {"Images per prompt, e.g. -n 4", "1"}
std::pair<std::string, std::string> split_default(const std::string& help) {
  const std::string marker = " (default: ";
  const size_t at = help.find(marker);
  if (at == std::string::npos) return {help, ""};
  const size_t end = help.rfind(')');
  return {help.substr(0, at) + help.substr(end + 1),
          help.substr(at + marker.size(), end - at - marker.size())};
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
    if (flag.long_name == "help" || flag.long_name == "version") continue;
    const auto [what, fallback] = split_default(flag.help);
    out << "| `";
    if (!flag.short_name.empty()) out << '-' << flag.short_name << ", ";
    out << "--" << flag.long_name << (flag.takes_value ? " " + cell(flag.value.name) : "") << "` | "
        << cell(fallback) << " | " << cell(what) << " |\n";
  }
  return out.str();
}

TEST(Readme, ListsTheOptionsOfGenerateAsTheParserKnowsThem) {
  const Parser parser;
  const InterfaceDescription interface = describe_interface(parser.app());
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

}  // namespace
}  // namespace unclip
