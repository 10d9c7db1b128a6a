// Prompt files of both kinds, and the place of every fault.
#include "unclip/batch/prompt_file.h"

#include <gtest/gtest.h>

#include <sstream>

#include "temporary_folder.h"
#include "unclip/support/error.h"

namespace unclip {
namespace {

std::vector<PromptLine> read(const std::string& name, const std::string& text) {
  const TemporaryFolder folder;
  std::ofstream(folder.path / name, std::ios::binary) << text;
  std::istringstream none;
  return read_prompts(folder.path / name, none);
}

// The message of the refusal, without the folder's name.
std::string refusal(const std::string& name, const std::string& text, ExitCode code = ExitCode::usage) {
  try {
    read(name, text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code, code);
    std::string what = error.what();
    for (auto at = what.find("/tmp/"); at != std::string::npos; at = what.find("/tmp/"))
      what.erase(at, what.find(name, at) - at);
    return what;
  }
  return "accepted";
}

TEST(PromptFile, TextSkipsCommentsAndBlankLines) {
  const auto lines = read("a.txt", "\xEF\xBB\xBF# first\n\na red circle\r\n  # more\n \t\n  two  stars \n#");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].line, 3u);
  EXPECT_EQ(lines[0].prompt, "a red circle");
  EXPECT_EQ(lines[1].line, 6u);
  EXPECT_EQ(lines[1].prompt, "  two  stars ");
  EXPECT_TRUE(read("a.txt", "").empty());
}

TEST(PromptFile, JsonLines) {
  const auto lines = read("a.jsonl", "{\"prompt\": \"a \\u00e9\\n\", \"seed\": 3}\n\n{\"prompt\":\"# b\"}");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].prompt, "a é\n");
  EXPECT_EQ(lines[1].line, 3u);
  EXPECT_EQ(lines[1].prompt, "# b");
}

TEST(PromptFile, StandardInputIsText) {
  std::istringstream input("# a\n{\"b\"}\n");
  const auto lines = read_prompts("-", input);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].prompt, "{\"b\"}");
}

TEST(PromptFile, NamesEveryBadLine) {
  EXPECT_EQ(refusal("a.txt", "good\né\xff\n\n\xc3"),
            "a.txt:2:2: invalid UTF-8; expected the file to be saved as UTF-8\n"
            "a.txt:4:1: invalid UTF-8; expected the file to be saved as UTF-8");
  const std::string expected = "; expected an object such as {\"prompt\": \"a red circle\"}";
  EXPECT_EQ(refusal("a.jsonl", "{\"prompt\": \"é\" 3}"), "a.jsonl:1:16: no valid JSON" + expected);
  EXPECT_EQ(refusal("a.jsonl", "{\"prompt\": \"a\"}\n[1]\n{}\n{\"prompt\": 3}\n{\"prompt\": \" \"}"),
            "a.jsonl:2:1: found JSON of type array; expected an object with the key \"prompt\"\n"
            "a.jsonl:3:1: the key \"prompt\" is missing; expected a text\n"
            "a.jsonl:4:1: the key \"prompt\" is 3; expected a text that is not empty\n"
            "a.jsonl:5:1: the key \"prompt\" is \" \"; expected a text that is not empty");
  EXPECT_EQ(refusal("a.doc", ""),
            "a.doc: expected a prompt file that ends in .txt or .jsonl, or - for standard input");
}

TEST(PromptFile, UnreadableFiles) {
  std::istringstream none;
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path / "folder.txt");
  for (const char* name : {"absent.txt", "folder.txt"}) {
    try {
      read_prompts(folder.path / name, none);
      ADD_FAILURE() << "accepted " << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code, ExitCode::io);
    }
  }
}

}  // namespace
}  // namespace unclip
