// scripts/finetune_example, the README's worked example, with the bundled model and a few steps.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "temporary_folder.h"

namespace unclip::testing_program {
namespace {

TEST(FinetuneExample, TeachesTheBundledModelAStyle) {
  TemporaryFolder folder;
  const std::string root = UNCLIP_TEST_DATA "/../..", model = root + "/models/picturebook";
  nlohmann::json recipe = nlohmann::json::parse(read_file(model + "/finetune.json"));
  for (auto& [name, stage] : recipe["stages"].items())
    stage["phases"][0].update({{"steps", 4}, {"batch", 4}, {"warmup", 1}});
  const fs::path file = folder.path / "recipe.json", out = folder.path / "out";
  std::ofstream(file) << recipe;
  const std::string call = "'" + root + "/scripts/finetune_example' '" + model + "' '" + file.string() +
                           "' '" + out.string() + "'";
  fs::create_directories(out / "drawings");  // as an interrupted call leaves it
  std::ofstream(out / "drawings" / "000000.png") << "half a dra";
  ASSERT_EQ(run_shell(call, folder.path / "log"), 0) << read_file(folder.path / "log");
  const std::string before = read_file(out / "before.png"), after = read_file(out / "after.png");
  EXPECT_FALSE(before.empty());
  EXPECT_FALSE(after.empty());
  EXPECT_NE(before, after);
  for (const auto& [name, stage] : recipe["stages"].items()) {
    const std::string metrics = read_file(out / "run" / name / "metrics.jsonl");
    EXPECT_NE(metrics.find("\"step\":4"), std::string::npos) << name << ": " << metrics;
  }
  fs::remove(out / "after.png");
  ASSERT_EQ(run_shell(call, folder.path / "log"), 0) << read_file(folder.path / "log");
  EXPECT_EQ(read_file(out / "after.png"), after) << "it goes on where it was";
}

}  // namespace
}  // namespace unclip::testing_program
