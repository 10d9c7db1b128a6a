// The tokenize verb on the tiny CLIP folder.
#include "cli/tokenize.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "temporary_folder.h"
#include "unclip/error.h"

namespace unclip {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(UNCLIP_TEST_DATA) / "clip-tokenizer";

std::string run_tokenize(const TokenizeOptions& options, const std::string& stdin_text = {}) {
  std::ostringstream out;
  std::istringstream input(stdin_text);
  EXPECT_EQ(tokenize(options, out, input), 0);
  return out.str();
}

TEST(Tokenize, JsonHasOneObjectPerText) {
  std::istringstream lines(run_tokenize({kFolder, {"!", std::string(500, '?')}, std::nullopt, true}));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(
      line,
      R"({"text":"!","ids":[608,256,609],"pieces":["<|startoftext|>","!</w>","<|endoftext|>"],"truncated":false})");
  std::getline(lines, line);
  const auto cut = nlohmann::json::parse(line);
  EXPECT_EQ(cut["ids"].size(), 77u);
  EXPECT_EQ(cut["truncated"], true);
  EXPECT_FALSE(std::getline(lines, line));
}

TEST(Tokenize, LinesForPeopleHoldNoControls) {
  EXPECT_EQ(run_tokenize({kFolder, {"!\x1b\xC2\x9b"}, std::nullopt, false}).substr(0, 14),
            "!\\u001b\\u009b\n");
  EXPECT_NE(
      run_tokenize({kFolder, {std::string(500, '?')}, std::nullopt, false}).find("truncated; not read: ???"),
      std::string::npos);
}

TEST(Tokenize, TakesPromptFilesAndModelFolders) {
  const TemporaryFolder model;
  std::filesystem::copy(kFolder, model.path / "tokenizer");
  std::ofstream(model.path / "p.txt") << "# comment\n!\n";
  const std::string once = run_tokenize({kFolder, {"!"}, std::nullopt, true});
  EXPECT_EQ(run_tokenize({model.path, {"!"}, model.path / "p.txt", true}), once + once);
  EXPECT_EQ(run_tokenize({kFolder, {}, "-", true}, "!\n!\n"), once + once);
}

TEST(Tokenize, ChecksEverythingBeforeItPrints) {
  for (const auto& [texts, input] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"good", "b\xff"}, "good\n"}, {{"good"}, "good\n\xff\n"}, {{}, "# nothing\n"}}) {
    std::ostringstream out;
    std::istringstream in(input);
    try {
      tokenize({kFolder, texts, "-", false}, out, in);
      ADD_FAILURE() << "accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ExitCode::usage);
    }
    EXPECT_EQ(out.str(), "");
  }
  std::ostringstream out;
  EXPECT_THROW(tokenize({kFolder / "absent", {"a"}, std::nullopt, false}, out), Error);
}

}  // namespace
}  // namespace unclip
