// scripts/train_gpu on the CPU with tiny nets, from the first step to an image: stopped midway, the machine
// lost, gone on from the pieces alone.
#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/run_program.h"
#include "temporary_folder.h"
#include "train/tiny_recipe.h"

namespace unclip::testing_program {
namespace {

class TrainGpu : public testing::Test {
 protected:
  TrainGpu() {
    nlohmann::json values = tiny_recipe(40);
    values["stages"]["decoder"].update({{"train_towers", true}, {"train_through_embedding", true}});
    std::ofstream(recipe) << values;
  }

  // A command line of /bin/sh, with $train for a call of the script; its exit code.
  int shell(const std::string& command) const {
    return run_shell("cd '" + folder.path.string() +
                         "'; script='" UNCLIP_TEST_DATA
                         "/../../scripts/train_gpu'; train=\"$script --config recipe.json --device cpu "
                         "--bench-steps 2 --minutes 1 --total 0.08\"; " +
                         command,
                     folder.path / "log");
  }
  std::string log() const { return read_file(folder.path / "log"); }

  TemporaryFolder folder;
  fs::path recipe = folder.path / "recipe.json";
};

TEST_F(TrainGpu, GoesOnFromPiecesToAModelThatDraws) {
  ASSERT_EQ(shell("$train --run lost --out a & until [ -s lost/decoder/metrics.jsonl ] || ! kill -0 $!; "
                  "do sleep 0.05; done; kill -TERM $!; wait $!"),
            3)
      << log();
  ASSERT_EQ(shell("rm -r lost && $script --join a joined && $train --run run --out b --from joined"), 0)
      << log();
  EXPECT_NE(log().find("- upsampler: step"), std::string::npos) << log();
  EXPECT_EQ(log().find("- clip: step"), std::string::npos) << "trained again:\n" << log();
  EXPECT_TRUE(fs::exists(folder.path / "run/decoder/earlier_metrics.jsonl"));
  ASSERT_EQ(shell("$script --join b whole && diff -r whole run/export && cmp whole/model/decoder/config.json "
                  "run/model/decoder/config.json"),
            0)
      << log();
  const fs::path image = folder.path / "x.png", model = folder.path / "whole/model";
  const Result drawn = run({"generate", "a red circle", "--seed", "1", "--model", model, "-o", image});
  EXPECT_EQ(drawn.code, 0) << drawn.err;
  EXPECT_GT(fs::file_size(image), 100U);
  EXPECT_EQ(shell("printf x >> b/run.tar.xz.0; $script --join b bad"), 1) << log();
  EXPECT_NE(log().find("is damaged"), std::string::npos) << log();
}

}  // namespace
}  // namespace unclip::testing_program
