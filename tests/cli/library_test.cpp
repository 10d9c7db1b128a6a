// The program without the library that needs libtorch, and with one net in memory at a time.
#include "cli/tiny_model.h"
#include "temporary_folder.h"

namespace unclip::testing_program {
namespace {

// The program alone in a folder, its library left behind.
class Alone : public testing::Test {
 protected:
  void SetUp() override { fs::copy_file(fs::canonical(UNCLIP_BINARY), program); }

  Result run_alone(const std::string& arguments) const {
    const fs::path err = folder.path / "err";
    FILE* pipe = popen((program.string() + " " + arguments + " 2> " + err.string()).c_str(), "r");
    Result result;
    std::array<char, 4096> text{};
    while (const size_t count = fread(text.data(), 1, text.size(), pipe))
      result.out.append(text.data(), count);
    result.code = WEXITSTATUS(pclose(pipe));
    result.err = read_file(err);
    return result;
  }

  TemporaryFolder folder;
  fs::path program = folder.path / "unclip";
};

TEST_F(Alone, AnswersWhatNeedsNoNets) {
  EXPECT_EQ(run_alone("--version").code, 0);
  EXPECT_NE(run_alone("--help").out.find("generate"), std::string::npos);
  EXPECT_EQ(run_alone("tokenize 'a red circle' -m " + kTiny).code, 0);
  EXPECT_EQ(run_alone("completions bash").code, 0);
  const fs::path bad = folder.path / "bad.jsonl";
  std::ofstream(bad) << "{\n";
  expect_error(
      run_alone("generate -m " + kTiny + " -f " + bad.string() + " -o " + (folder.path / "out/").string()), 2,
      {"bad.jsonl:1", "invalid JSON"});
}

TEST_F(Alone, SaysWhatIsMissingForTheRest) {
  for (const char* verb : {"generate x -m ", "inspect ", "bench -m "})
    expect_error(run_alone(verb + kTiny), 5, {"cannot open libtorch", "libunclip_verbs.so", "scripts/setup"});
}

TEST(Program, DrawsTheSameWithLittleMemoryAndDeterministic) {
  const TemporaryFolder folder;
  std::vector<std::string> found;
  for (const char* flag : {"--quiet", "--low-memory", "--deterministic"}) {
    const std::string file = folder.path / (std::string("image") + flag + ".png");
    const Result result = run({"generate", "a red circle", "-m", kTiny, "--seed", "1", "--no-metadata", flag,
                               "--overwrite", "-o", file});
    ASSERT_EQ(result.code, 0) << result.err;
    found.push_back(read_file(file));
  }
  EXPECT_EQ(found[0], found[1]);
  EXPECT_EQ(found[0], found[2]);
}

}  // namespace
}  // namespace unclip::testing_program
