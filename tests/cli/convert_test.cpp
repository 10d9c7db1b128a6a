// The convert verb as a real process: a model folder, hostile files, a full disk, an interruption.
#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "convert/hostile_checkpoints.h"
#include "support/sha256.h"
#include "temporary_folder.h"

namespace unclip::testing_program {
namespace {

struct ConvertProgram : testing::Test {
  TemporaryFolder folder;
  fs::path data = UNCLIP_TEST_DATA "/convert";
  fs::path output = folder.path / "new";

  fs::path checkpoint(const std::string& bytes) const {
    const fs::path file = folder.path / "weights.bin";
    std::ofstream(file, std::ios::binary) << bytes;
    return file;
  }

  // 16 MiB of bytes in one tensor.
  fs::path large_checkpoint() const {
    namespace archives = testing_archives;
    constexpr int64_t kSize = 16 << 20;
    const std::string tensor =
        archives::tensor_on(archives::storage("ByteStorage", "0", kSize), 0, {kSize}, {1});
    auto parts = archives::parts_with(archives::dict(tensor));
    parts[2].content.assign(kSize, 'x');
    return checkpoint(archives::zip(parts));
  }
};

TEST_F(ConvertProgram, PrintsTheDigestOfEveryFileThatItWrote) {
  const Result result = run({"convert", (data / "folder").string(), "-o", output.string()});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("left out: "), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("unet/optimizer.bin: "), std::string::npos) << result.err;
  const std::vector<std::string> lines = lines_of(result.out);
  EXPECT_EQ(lines.size(), 12U) << result.out;
  for (const std::string& line : lines) {
    ASSERT_GT(line.size(), 66U) << line;
    EXPECT_EQ(line.substr(64, 2), "  ") << line;
    EXPECT_EQ(line.substr(0, 64), sha256_hex(read_file(line.substr(66)))) << line;
  }
}

TEST_F(ConvertProgram, PrintsJson) {
  const fs::path file = folder.path / "views.safetensors";
  const Result result = run({"convert", (data / "views.old.bin").string(), "-o", file.string(), "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  const std::string bytes = read_file(file);
  EXPECT_EQ(
      nlohmann::json::parse(result.out),
      (nlohmann::json{
          {"file", file.string()}, {"sha256", sha256_hex(bytes)}, {"tensors", 15}, {"bytes", bytes.size()}}));
}

TEST_F(ConvertProgram, NamesWhatIsNoTensor) {
  const Result result = run({"convert", (data / "wrapped.bin").string(), "-o", output.string()});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_NE(result.err.find("not tensors: epoch (an integer), loss (a float)"), std::string::npos)
      << result.err;
  const Result quiet =
      run({"convert", (data / "wrapped.bin").string(), "-o", output.string(), "--overwrite", "-q"});
  EXPECT_EQ(quiet.code, 0);
  EXPECT_EQ(quiet.err, "");
}

TEST_F(ConvertProgram, RunsNothingOfHostileFiles) {
  const auto all = testing_archives::hostile_calls();
  for (const auto& hostile : all) {
    SCOPED_TRACE(hostile.name);
    const Result result =
        run({"convert", checkpoint(hostile.file).string(), "-o", output.string()}, in_folder(folder.path));
    expect_error(result, 3, {"weights.bin", hostile.refusal, "nothing in the file was executed"});
  }
  EXPECT_EQ(files_in(folder.path), 1U);  // the checkpoint alone: no output, no "hacked"
  EXPECT_GE(all.size(), 40U);
}

TEST_F(ConvertProgram, OverwritesOnlyWhenAsked) {
  const std::string input = (data / "types.bin").string();
  EXPECT_EQ(run({"convert", input, "-o", output.string()}).code, 0);
  expect_error(run({"convert", input, "-o", output.string()}), 5, {"already exists", "--overwrite"});
  EXPECT_EQ(run({"convert", input, "-o", output.string(), "--overwrite"}).code, 0);
}

TEST_F(ConvertProgram, RefusesWhatItCannotConvert) {
  expect_error(run({"convert", (folder.path / "none").string(), "-o", output.string()}), 3, {"No such file"});
  expect_error(run({"convert", folder.path.string(), "-o", output.string()}), 2,
               {"-o: expected a folder outside"});
  fs::create_directory(folder.path / "empty");
  expect_error(run({"convert", (folder.path / "empty").string(), "-o", output.string()}), 3,
               {"pytorch_model.bin"});
  expect_error(run({"convert", (data / "types.bin").string()}), 2, {"--output"});
}

TEST_F(ConvertProgram, LeavesNothingBehindWhereTheFileGrowsTooLarge) {
  const fs::path input = large_checkpoint();
  const Result result = run({"convert", input.string(), "-o", output.string()}, [] {
    const rlimit limit{1 << 20, 1 << 20};
    setrlimit(RLIMIT_FSIZE, &limit);
  });
  expect_error(result, 5, {"cannot write", "ulimit -f"});
  EXPECT_EQ(files_in(folder.path), 1U);
}

// A damaged storage is found before anything is written; memory does not grow with the file.
TEST_F(ConvertProgram, ChecksEverythingInLittleMemory) {
  const fs::path input = large_checkpoint();
  rusage use{};
  Program program({"convert", input.string(), "-o", output.string()});
  EXPECT_EQ(program.wait(&use).code, 0);
  rusage idle{};
  Program version({"--version"});
  EXPECT_EQ(version.wait(&idle).code, 0);
  EXPECT_LT(use.ru_maxrss - idle.ru_maxrss, 12 * 1024) << use.ru_maxrss << ' ' << idle.ru_maxrss;

  std::string bytes = read_file(input);
  bytes[bytes.size() / 2] = 'y';
  const Result result = run({"convert", checkpoint(bytes).string(), "-o", (folder.path / "other").string()});
  expect_error(result, 3, {"archive/data/0 is damaged"});
  EXPECT_FALSE(fs::exists(folder.path / "other"));
}

}  // namespace
}  // namespace unclip::testing_program
