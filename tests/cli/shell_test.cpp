// Completions in the real shells, and the manual page before the real formatters.
#include <array>
#include <cstdio>
#include <map>
#include <regex>
#include <set>

#include "cli/run_program.h"
#include "temporary_folder.h"

namespace unclip::testing_program {
namespace {

using Words = std::set<std::string>;

// Standard output and error of a command line of /bin/sh, which must end well.
std::string output_of(const std::string& command) {
  std::FILE* pipe = popen(("{ " + command + "; } 2>&1").c_str(), "r");
  std::string text;
  std::array<char, 4096> buffer{};
  for (size_t count = 0; (count = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    text.append(buffer.data(), count);
  const int status = WEXITSTATUS(pclose(pipe));
  EXPECT_EQ(status, 0) << command << '\n' << text;
  return text;
}

void require(const std::string& tool) {
  EXPECT_EQ(output_of("command -v " + tool + " > /dev/null || echo missing"), "")
      << tool << " is not installed; scripts/setup --tests installs it";
}

// Every --flag in a verb's --help.
Words flags_of(const std::string& verb) {
  Words flags;
  const std::string help = run({verb, "--help"}).out;
  const std::regex flag(R"((?:^|\n)  (?:-\w,)?(--[a-z0-9-]+))");
  for (std::sregex_iterator i(help.begin(), help.end(), flag), end; i != end; ++i) flags.insert((*i)[1]);
  EXPECT_GE(flags.size(), 4U) << help;
  return flags;
}

class Shells : public testing::TestWithParam<std::string> {
 protected:
  Shells() {
    fs::create_directory(folder.path / "models");
    std::ofstream(folder.path / "cat.png") << "x";
    std::ofstream(folder.path / "completions") << run({"completions", GetParam()}).out;
  }

  // Typed line → the words that the shell offers.
  std::map<std::string, Words> complete(const std::vector<std::string>& lines) const {
    std::string command = "cd '" + folder.path.string() + "' && ";
    if (GetParam() == "bash")
      command +=
          "bash --norc -c 'source ./completions; for line; do echo \"? $line\"; read -ra COMP_WORDS <<< "
          "\"$line\"; "
          "[ \"${line% }\" = \"$line\" ] || COMP_WORDS+=(\"\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
          "_unclip; printf \"%s\\n\" \"${COMPREPLY[@]}\"; done' bash";
    else if (GetParam() == "zsh")
      command += "zsh -f '" UNCLIP_TEST_DATA "/../cli/complete.zsh' \"$PWD/completions\"";
    else
      command +=
          "fish --no-config -c 'source ./completions; for line in $argv; echo \"? $line\"; complete -C "
          "$line; end'";
    for (const std::string& line : lines) command += " '" + line + "'";
    std::map<std::string, Words> offered;
    std::string typed;
    for (std::string line : lines_of(output_of(command))) {
      if (line.starts_with("? ")) {
        typed = line.substr(2);
        offered[typed];
        continue;
      }
      line = line.substr(0, line.find('\t'));  // fish tells what a word means
      if (line.ends_with('/')) line.pop_back();
      if (!line.empty()) offered[typed].insert(line);
    }
    return offered;
  }

  TemporaryFolder folder;
};

TEST_P(Shells, CompleteVerbsFlagsValuesAndFiles) {
  require(GetParam());
  const std::map<std::string, Words> expected{
      {"unclip gen", {"generate"}},
      {"unclip generate --dty", {"--dtype"}},
      {"unclip generate --dtype b", {"bf16"}},
      {"unclip generate \"a red circle\" --device c", {"cpu", "cuda"}},
      {"unclip generate -m mo", {"models"}},
      {"unclip generate -o c", {"cat.png", "completions"}},
      {"unclip generate --seed ", {}},
      {"unclip train d", {"decoder"}},
      {"unclip info ca", {"cat.png"}},
      {"unclip inspect ", {"models"}},
      {"unclip completions ", {"bash", "fish", "zsh"}},
  };
  std::vector<std::string> lines;
  for (const auto& [line, words] : expected) lines.push_back(line);
  EXPECT_EQ(complete(lines), expected);
}

TEST_P(Shells, OfferEveryFlagOfHelp) {
  const std::string line = "unclip generate --";
  EXPECT_EQ(complete({line})[line], flags_of("generate"));
}

INSTANTIATE_TEST_SUITE_P(Completions, Shells, testing::Values("bash", "zsh", "fish"),
                         [](const auto& shell) { return shell.param; });

TEST(Manual, FormattersTakeItAndEveryFlagStandsInIt) {
  for (const char* tool : {"mandoc", "man"}) require(tool);
  const TemporaryFolder folder;
  const std::string page = folder.path / "unclip.1";
  std::ofstream(page) << run({"man"}).out;
  const std::string lint = output_of("mandoc -T lint -W warning " + page + " || true");
  EXPECT_EQ(lines_of(lint).size(), 1U) << lint;
  EXPECT_NE(lint.find("missing date"), std::string::npos)
      << lint;  // the one that is meant: pages must not differ
  EXPECT_EQ(output_of("man --warnings -E UTF-8 -Tutf8 -Z -l " + page + " > /dev/null"), "");
  const std::string text = std::regex_replace(output_of("mandoc -T ascii " + page), std::regex(".\b"), "");
  for (const std::string verb : {"inspect", "info", "tokenize", "train", "eval", "scenes"})
    EXPECT_NE(text.find("unclip " + verb), std::string::npos) << text;
  for (const std::string& flag : flags_of("generate")) EXPECT_NE(text.find(flag), std::string::npos) << flag;
}

}  // namespace
}  // namespace unclip::testing_program
