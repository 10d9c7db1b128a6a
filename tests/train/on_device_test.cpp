// A training step of every stage on a device: the CPU's loss and gradients, and what crosses the bus.
#include <gtest/gtest.h>

#include "on_device.h"
#include "refusal.h"
#include "temporary_folder.h"
#include "train/run_folder.h"
#include "train/tiny_judge.h"
#include "weights/load.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

class TrainingOnDevice : public OnDevice {
 protected:
  // Towers for the stages that need trained ones.
  static void train_towers(const fs::path& folder) { RunFolder(folder, tiny_recipe(1)).train("clip"); }

  static fs::path copy_of(const fs::path& folder, const fs::path& copy) {
    fs::copy(folder, copy, fs::copy_options::recursive);
    return copy;
  }

  DeviceAndDtype on_device(torch::Dtype dtype) const { return {device(), dtype}; }

  TemporaryFolder temporary;
};

// The first moments of the gradients after one step; the largest difference, relative to the largest number.
double gradients_apart(const fs::path& a, const fs::path& b) {
  const auto left = read_tensors(a / "checkpoint.safetensors"),
             right = read_tensors(b / "checkpoint.safetensors");
  double scale = 0, largest = 0;
  for (const auto& [name, tensor] : left) {
    if (!name.starts_with("exp_avg.")) continue;
    scale = std::max(scale, tensor.abs().max().item<double>());
    largest = std::max(largest, (tensor - right.at(name)).abs().max().item<double>());
  }
  return largest / scale;
}

// A GPU has draws of its own: there the step only has to be one.
TEST_P(TrainingOnDevice, EveryStageStepsAsOnTheCpu) {
  const fs::path start = temporary.path / "start";
  train_towers(start);
  for (const std::string name : {"clip", "prior", "decoder", "upsampler"}) {
    const fs::path here = copy_of(start, temporary.path / ("here-" + name)),
                   there = copy_of(start, temporary.path / ("there-" + name));
    for (const fs::path& folder : {here, there}) fs::remove_all(folder / "clip");
    RunFolder on_cpu(here, tiny_recipe(1)), on_this(there, tiny_recipe(1), on_device(torch::kFloat32));
    EXPECT_TRUE(on_cpu.train(name));
    EXPECT_TRUE(on_this.train(name)) << name;
    const double expected = on_cpu.losses(name).at(0), found = on_this.losses(name).at(0);
    std::cout << name << ": loss " << expected << " on the CPU, " << found << " here\n";
    EXPECT_TRUE(std::isfinite(found)) << name;
    if (!is_simulated()) continue;
    const double apart = gradients_apart(here / name, there / name);
    std::cout << name << ": gradients differ by " << apart << '\n';
    // The crops of the upsampler are drawn from a generator of their own there.
    const bool same_draws = name != "upsampler";
    EXPECT_NEAR(found, expected, (same_draws ? 1e-4 : 0.1) * std::abs(expected)) << name;
    EXPECT_LE(apart, same_draws ? 1e-3 : 1) << name;
  }
}

TEST_P(TrainingOnDevice, TheJudgeStepsAsOnTheCpu) {
  const fs::path here = temporary.path / "here", there = temporary.path / "there";
  nlohmann::json values = tiny_judge_recipe(1);
  values["stages"]["judge"]["noise"] = 0;  // a GPU has draws of its own
  EXPECT_TRUE(train_judge(here, values));
  EXPECT_TRUE(train_judge(there, values, 0, 1, on_device(torch::kFloat32)));
  const double apart = gradients_apart(here / "judge", there / "judge");
  std::cout << "judge: gradients differ by " << apart << '\n';
  EXPECT_LE(apart, 1e-3);
}

TEST_P(TrainingOnDevice, TrainsTowersWithTheDecoderInBfloat16) {
  nlohmann::json values = tiny_recipe(2);
  values["stages"]["decoder"].update(
      {{"train_towers", true}, {"embedding_noise", 0.2}, {"optimizer", "muon"}});
  RunFolder run(temporary.path, values, on_device(torch::kBFloat16));
  for (const std::string name : {"decoder", "prior", "upsampler"}) {
    EXPECT_TRUE(run.train(name));
    EXPECT_TRUE(std::isfinite(run.losses(name).back())) << name;
  }
}

TEST_P(TrainingOnDevice, ThePriorLearnsFromStoredEmbeddings) {
  train_towers(temporary.path);
  nlohmann::json values = tiny_recipe(2);
  values["stages"]["prior"]["stored_examples"] = 300;
  EXPECT_TRUE(RunFolder(temporary.path, values, on_device(torch::kFloat32)).train("prior"));
}

// Images, captions and their masks go in; the host waits for nothing until it measures.
TEST_P(TrainingOnDevice, AStepCrossesTheBusAsOftenAsItMust) {
  if (!is_simulated()) GTEST_SKIP() << "a GPU does not count";
  const fs::path start = temporary.path / "start";
  train_towers(start);
  struct Expected {
    const char* stage;
    int64_t in, reads;
  };
  for (const auto& [name, in, reads] :
       {Expected{"clip", 4, 0}, {"prior", 3, 0}, {"decoder", 3, 0}, {"upsampler", 1, 0}}) {
    const auto traffic = [&, stage = std::string(name)](int64_t steps) {
      const fs::path folder = copy_of(start, temporary.path / (stage + std::to_string(steps)));
      fs::remove_all(folder / "clip");
      RunFolder run(folder, tiny_recipe(steps), on_device(torch::kFloat32));
      return simulated::traffic_of([&] { run.train(stage); });
    };
    const simulated::Traffic one = traffic(1), three = traffic(3);
    std::cout << name << ": two steps more " << three.in - one.in << " in, " << three.out - one.out
              << " out, " << three.reads - one.reads << " read; around one " << one.in - in << " in, "
              << one.out << " out, " << one.reads - reads << " read\n";
    EXPECT_EQ(three.in - one.in, 2 * in) << name;
    EXPECT_EQ(three.out - one.out, 0) << name;
    EXPECT_EQ(three.reads - one.reads, 2 * reads) << name;
  }
}

// The host learns of it some steps later: no update since, and nothing is saved.
TEST_P(TrainingOnDevice, StopsAtALossThatIsNoNumberAndKeepsTheCheckpoint) {
  nlohmann::json values = tiny_recipe();
  values["stages"]["clip"]["phases"] =
      nlohmann::json::array({tiny_phase(2, 8, 1e-3), tiny_phase(30, 8, 1e30)});
  values["stages"]["clip"]["clip_norm"] = 1e9;
  const auto run = [&] { return RunFolder(temporary.path, values, on_device(torch::kFloat32)); };
  EXPECT_FALSE(run().train("clip", 1e-9));
  const fs::path checkpoint = temporary.path / "clip" / "checkpoint.safetensors";
  const auto before = fs::last_write_time(checkpoint);
  expect_refusal(ExitCode::jobs_failed, "clip: step ", [&] { run().train("clip"); });
  EXPECT_EQ(fs::last_write_time(checkpoint), before);
}

UNCLIP_ON_DEVICES(TrainingOnDevice);

}  // namespace
}  // namespace unclip
