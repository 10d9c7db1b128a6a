// --devices: one worker process each, through the real program. Two workers on the CPU stand for two GPUs.
#include "cli/tiny_model.h"

namespace unclip::testing_program {
namespace {

class Devices : public TinyModel {
 protected:
  fs::path prompts(int count) const {
    const fs::path file = temporary.path / "prompts.txt";
    std::ofstream lines(file);
    for (int i = 0; i < count; ++i) lines << "prompt " << i << '\n';
    return file;
  }
  static Arguments draw(const fs::path& file, const fs::path& folder, const Arguments& more = {}) {
    Arguments arguments{"-f", file, "-b", "2", "-o", folder.string() + "/"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return quick(arguments);
  }
  static size_t pngs(const fs::path& folder) {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(folder)) count += entry.path().extension() == ".png";
    return count;
  }
};

TEST_F(Devices, WorkersMakeTheBytesOfOneRun) {
  const fs::path file = prompts(9), whole = temporary.path / "whole";
  ASSERT_EQ(run(draw(file, whole, {"--seed", "7"})).code, 0);
  const Result result = run(draw(file, out, {"--seed", "7", "--devices", "cpu,cpu"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(lines_of(result.out).size(), 9U);
  for (const auto& entry : fs::directory_iterator(whole))
    if (entry.path().extension() == ".png") {
      EXPECT_EQ(read_file(out / entry.path().filename()), read_file(entry.path()));
    }
  EXPECT_TRUE(fs::exists(out / "manifest-1-of-2.jsonl"));
  EXPECT_EQ(run(draw(file, out, {"--devices", "cpu,cpu,cpu"})).out, "")
      << "all is done, the seed is the earlier one";
}

TEST_F(Devices, ShardsAreDividedOnceMore) {
  const fs::path file = prompts(9);
  for (const char* shard : {"0/2", "1/2"})
    EXPECT_EQ(run(draw(file, out, {"--seed", "7", "--devices", "cpu,cpu", "--shard", shard})).code, 0);
  EXPECT_EQ(pngs(out), 9U);
}

TEST_F(Devices, MistakesAreToldOnce) {
  const fs::path file = prompts(2);
  expect_error(run(draw(file, out, {"--devices", "cpu,gpu"})), 2,
               {"--devices", "expected auto, cpu", "\"gpu\""});
  expect_error(run(draw(file, out, {"--devices", ""})), 2, {"--devices"});
  expect_error(run(draw(file, out, {"--devices", "cpu", "--device", "cpu"})), 2, {"--device"});
  expect_error(run(quick({"x", "--devices", "cpu"})), 2, {"--devices", "--prompt-file"});
  expect_error(run(draw("-", out, {"--devices", "cpu"})), 2, {"--devices", "standard input"});
  std::ofstream(file) << "good\n\xff\n";
  const Result bad = run(draw(file, out, {"--devices", "cpu,cpu"}));
  expect_error(bad, 2, {"prompts.txt:2:1"});
  EXPECT_EQ(bad.err.find("prompts.txt:2:1"), bad.err.rfind("prompts.txt:2:1"));
}

TEST_F(Devices, ASignalEndsAllWorkers) {
  Program program(draw(prompts(2000), out, {"--seed", "7", "--devices", "cpu,cpu"}));
  ASSERT_TRUE(program.has_printed());
  program.kill(SIGTERM);
  const Result result = program.wait();
  EXPECT_EQ(result.code, 143) << result.err;
  const size_t whole = pngs(out);
  EXPECT_EQ(lines_of(result.out).size(), whole) << "a worker goes on, or a picture was not told";
  EXPECT_LT(whole, 2000U);
}

}  // namespace
}  // namespace unclip::testing_program
