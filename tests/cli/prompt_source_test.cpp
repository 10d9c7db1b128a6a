// Where prompts come from: files, pipes and devices, and what happens to them meanwhile.
#include <fcntl.h>
#include <sys/stat.h>

#include <thread>

#include "cli/tiny_model.h"

namespace unclip::testing_program {
namespace {

class PromptSource : public PromptFileRun {};

TEST_F(PromptSource, NoTemporaryFolderIsNeeded) {
  const fs::path file = prompts(3);
  const auto nowhere = [] { setenv("TMPDIR", "/no/such", 1); };
  EXPECT_EQ(run(draw(file, out, {"--seed", "1"}), nowhere).code, 0);
  const auto piped = [&] {
    nowhere();
    dup2(open(file.c_str(), O_RDONLY), STDIN_FILENO);
  };
  const fs::path other = temporary.path / "other";
  EXPECT_EQ(run(draw("-", other, {"--seed", "1"}), piped).code, 0);
  EXPECT_EQ(images(out), images(other));
}

// As a shell's <(…) gives one, more than a pipe holds at once.
TEST_F(PromptSource, PipesAreReadToTheirEnd) {
  const fs::path file = temporary.path / "pipe.txt";
  mkfifo(file.c_str(), 0600);
  std::thread writer([&] {
    std::ofstream lines(file);
    for (int i = 0; i < 50'000; ++i) lines << "prompt " << i << '\n';
    lines << "\xff\n";
  });
  expect_error(run({"generate", "-f", file, "-m", "/no/such", "-o", out.string() + "/"}), 2,
               {file.string() + ":50001:1: invalid UTF-8"});
  writer.join();
}

TEST_F(PromptSource, WhatIsCutShortIsAnError) {
  const fs::path file = prompts(3000);
  const auto limited = [&] {
    const rlimit most{4096, 4096};  // the copy in memory, too
    setrlimit(RLIMIT_FSIZE, &most);
    dup2(open(file.c_str(), O_RDONLY), STDIN_FILENO);
  };
  expect_error(run(draw("-", out, {"--seed", "1"}), limited), 5,
               {"standard input", "could not be read completely"});
}

TEST_F(PromptSource, AFileThatIsWrittenToMeanwhileIsToldOf) {
  const fs::path file = prompts(2000);
  Program program(draw(file, out, {"--seed", "1"}));
  ASSERT_TRUE(program.has_printed());
  std::ofstream(file, std::ios::app) << "{\"prompt\": \"one more\"}\n";
  const Result result = program.wait();
  EXPECT_EQ(result.code, 5) << result.err;
  EXPECT_NE(result.err.find(file.string() + ": was changed while being read"), std::string::npos)
      << result.err;
}

TEST_F(PromptSource, DevicesAndFoldersAreRefused) {
  const fs::path zero = temporary.path / "zero.txt", folder = temporary.path / "folder.jsonl";
  fs::create_symlink("/dev/zero", zero);
  fs::create_directory(folder);
  for (const fs::path& file : {zero, folder}) {
    expect_error(run({"generate", "-f", file, "-m", "/no/such"}), 5, {file.string(), "expected a file"});
    expect_error(run({"tokenize", "-f", file, "-m", kTiny}), 5, {file.string(), "expected a file"});
    expect_error(run({"generate", "x", "--deny-file", file, "-m", "/no/such"}), 5,
                 {file.string(), "expected a file"});
    expect_error(run({"eval", "--prompts", file, "-m", "/no/such"}), 5, {file.string(), "expected a file"});
    EXPECT_EQ(run({"info", file}).code, 5);
    EXPECT_EQ(run({"generate", "--from", file, "-m", "/no/such"}).code, 5);
  }
  const fs::path pipe = temporary.path / "pipe.png";
  mkfifo(pipe.c_str(), 0600);
  EXPECT_EQ(run({"info", pipe}).code, 5) << "nobody writes to it";
}

TEST(Eval, APromptThatNobodyCanDrawIsToldWithItsLine) {
  const TemporaryFolder folder;
  const fs::path file = folder.path / "p.jsonl";
  const auto object = [](const char* shape, const char* size) {
    return json{{"color", "red"}, {"shape", shape}, {"size", size}};
  };
  std::ofstream(file) << json{{"prompt", "a red star"},
                              {"row", "color"},
                              {"objects", {object("star", "any")}}}
                      << '\n'
                      << json{{"prompt", "a large red star inside a small red cross"},
                              {"row", "position"},
                              {"objects", {object("star", "large"), object("cross", "small")}},
                              {"relation", "inside"}}
                      << '\n';
  expect_error(run({"eval", "-m", "/no/such", "--prompts", file}), 2,
               {file.string() + ":2: ", "no picture can hold these objects"});
}

}  // namespace
}  // namespace unclip::testing_program
