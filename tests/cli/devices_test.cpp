// --devices: one worker process each, through the real program. Two workers on the CPU stand for two GPUs.
#include "cli/tiny_model.h"

namespace unclip::testing_program {
namespace {

class Devices : public PromptFileRun {
 protected:
  static Arguments draw(const fs::path& file, const fs::path& folder, Arguments more) {
    more.insert(more.begin(), {"-b", "2"});
    return PromptFileRun::draw(file, folder, more);
  }
};

TEST_F(Devices, WorkersMakeTheBytesOfOneRun) {
  const fs::path file = prompts(9), whole = temporary.path / "whole";
  ASSERT_EQ(run(draw(file, whole, {"--seed", "7"})).code, 0);
  const Result result = run(draw(file, out, {"--seed", "7", "--devices", "cpu,cpu"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(lines_of(result.out).size(), 9U);
  EXPECT_EQ(images(out), images(whole));
  EXPECT_TRUE(fs::exists(out / "manifest-1-of-2.jsonl"));
  EXPECT_EQ(run(draw(file, out, {"--devices", "cpu,cpu,cpu"})).out, "")
      << "all is done, the seed is the earlier one";
}

TEST_F(Devices, ShardsAreDividedOnceMore) {
  const fs::path file = prompts(9);
  for (const char* shard : {"0/2", "1/2"})
    EXPECT_EQ(run(draw(file, out, {"--seed", "7", "--devices", "cpu,cpu", "--shard", shard})).code, 0);
  EXPECT_EQ(images(out).size(), 9U);
}

TEST_F(Devices, MistakesAreToldOnce) {
  const fs::path file = prompts(2);
  expect_error(run(draw(file, out, {"--devices", "cpu,gpu"})), 2,
               {"--devices", "expected auto, cpu", "\"gpu\""});
  expect_error(run(draw(file, out, {"--devices", ""})), 2, {"--devices"});
  expect_error(run(draw(file, out, {"--devices", "cpu", "--device", "cpu"})), 2, {"--device"});
  expect_error(run(quick({"x", "--devices", "cpu"})), 2, {"--devices", "--prompt-file"});
  expect_error(run(draw("-", out, {"--devices", "cpu"})), 2, {"--devices", "standard input"});
  const fs::path damaged = temporary.path / "prompts.txt";
  std::ofstream(damaged) << "good\n\xff\n";
  const Result bad = run(draw(damaged, out, {"--devices", "cpu,cpu"}));
  expect_error(bad, 2, {"prompts.txt:2:1"});
  EXPECT_EQ(bad.err.find("prompts.txt:2:1"), bad.err.rfind("prompts.txt:2:1"));
}

TEST_F(Devices, WorkersEndAsOneProcessWould) {
  const fs::path file = temporary.path / "jobs.jsonl", damaged = temporary.path / "damaged.png";
  std::ofstream(damaged) << "no image";
  const auto code_of = [&](const std::vector<int>& bad, Arguments more) {
    std::ofstream list(file);
    for (int i = 0; i < 4; ++i) {
      json job{{"prompt", "p" + std::to_string(i)}};
      if (std::ranges::find(bad, i) != bad.end()) job["init_image"] = damaged.string();
      list << job << '\n';
    }
    list.close();
    fs::remove_all(out);
    more.insert(more.begin(), {"--seed", "7"});
    return run(draw(file, out, more)).code;
  };
  // Worker 0 has jobs 0 and 2: with both bad it alone would end with 5.
  for (const std::vector<int>& bad : {std::vector<int>{}, {1}, {0, 2}, {0, 1, 2, 3}})
    EXPECT_EQ(code_of(bad, {"--devices", "cpu,cpu"}), code_of(bad, {})) << bad.size();
  EXPECT_EQ(code_of({0}, {"--fail-fast"}), code_of({0}, {"--fail-fast", "--devices", "cpu,cpu"}));
}

TEST_F(Devices, ASignalEndsAllWorkers) {
  Program program(draw(prompts(2000), out, {"--seed", "7", "--devices", "cpu,cpu"}));
  ASSERT_TRUE(program.has_printed());
  program.kill(SIGTERM);
  const Result result = program.wait();
  EXPECT_EQ(result.code, 143) << result.err;
  const size_t whole = images(out).size();
  EXPECT_EQ(lines_of(result.out).size(), whole) << "a worker goes on, or a picture was not told";
  EXPECT_LT(whole, 2000U);
}

}  // namespace
}  // namespace unclip::testing_program
