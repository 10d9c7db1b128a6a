// Stage judge on a tiny net: it learns, resumes exactly, its folder opens as a judge, and what is none is
// refused.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <fstream>

#include "cli/run_program.h"
#include "refusal.h"
#include "scenes/facts.h"
#include "temporary_folder.h"
#include "train/run_folder.h"
#include "train/scene_judge.h"
#include "train/tiny_judge.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

torch::Tensor drawn(const ScenePrompt& prompt, int size) {
  SceneOptions source = prompt.source;
  source.size = size;
  return stacked(std::array{Image{size, size, 3, draw_scene(source, prompt.index).rgb}});
}

// Two facts are soon learnt: stars are not, but nights are dark.
TEST(Judge, LearnsWhatShows) {
  TemporaryFolder folder;
  EXPECT_TRUE(train_judge(folder.path, tiny_judge_recipe(150)));
  SceneJudge judge = SceneJudge::open(folder.path / "model" / "judge");
  int right = 0, count = 0;
  for (const ScenePrompt& prompt : scene_prompts(Family::landscapes, 100, 0)) {
    const std::vector<std::string> facts = draw_scene(prompt.source, prompt.index).facts;
    const bool night = std::ranges::find(facts, "night") != facts.end();
    right += judge.seen(drawn(prompt, 32)).front().contains("night") == night;  // of another size
    ++count;
  }
  std::cout << "night told rightly in " << right << " of " << count << " landscapes\n";
  EXPECT_GE(right, 95);
  EXPECT_TRUE(judge.holds({"night"}, {"night", "boat"}));  // a boat is not judged
  EXPECT_FALSE(judge.holds({"night"}, {"night", "sea"}));
  EXPECT_EQ(judge.features(drawn(scene_prompts(Family::items, 1, 0)[0], 16)).sizes(),
            (std::vector<int64_t>{1, 16}));
}

TEST(Judge, ResumesExactlyOnAnyThreads) {
  nlohmann::json values = tiny_judge_recipe(4);
  values["stages"]["judge"]["micro_batches"] = 4;
  TemporaryFolder whole, parts;
  EXPECT_TRUE(train_judge(whole.path, values));
  EXPECT_FALSE(train_judge(parts.path, values, 1e-9, 3));
  EXPECT_TRUE(train_judge(parts.path, values, 0, 2));
  EXPECT_EQ(largest_difference(whole.path / "judge" / "checkpoint.safetensors",
                               parts.path / "judge" / "checkpoint.safetensors"),
            0);
}

TEST(Judge, RefusesWhatIsNoJudge) {
  TemporaryFolder folder;
  nlohmann::json values = tiny_judge_recipe(1);
  const auto refuses = [&](const std::string& part, auto change) {
    nlohmann::json config = values["components"]["judge"];
    change(config);
    expect_refusal(ExitCode::model, part, [&] { judged_facts(Config(config, "judge/config.json")); });
  };
  refuses("id2label", [](nlohmann::json& config) { config.erase("id2label"); });
  refuses("id2label", [](nlohmann::json& config) { config["id2label"] = {"night", "sea"}; });
  refuses("id2label", [](nlohmann::json& config) { config["projection_dim"] = 2; });
  refuses("id2label.1", [](nlohmann::json& config) { config["id2label"]["1"] = "LABEL_1"; });
  refuses("id2label.1", [](nlohmann::json& config) {
    config["id2label"].erase("1");
    config["id2label"]["7"] = "sea";
  });
  refuses("id2label.0", [](nlohmann::json& config) { config["id2label"]["0"] = 7; });
  expect_refusal(ExitCode::model, "config.json", [&] { SceneJudge::open(folder.path / "none"); });
}

TEST(Judge, TheProgramTrainsItFromItsRecipeAlone) {
  TemporaryFolder folder;
  std::ofstream(folder.path / "recipe.json") << tiny_judge_recipe(2).dump();
  const auto train = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{
        "train",    "judge", "--config", folder.path / "recipe.json", "--out", folder.path / "run",
        "--device", "cpu"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return testing_program::run(arguments);
  };
  auto result = train({"--data", folder.path});
  EXPECT_EQ(result.code, 2);
  EXPECT_NE(result.err.find("built-in scenes"), std::string::npos) << result.err;
  result = train({});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out, (folder.path / "run/model/judge").string() + "\n");
  EXPECT_NE(result.err.find("judge: landscapes: all named facts seen in"), std::string::npos) << result.err;
  EXPECT_FALSE(fs::exists(folder.path / "run/model/model_index.json"));
  SceneJudge::open(folder.path / "run/model/judge");
}

}  // namespace
}  // namespace unclip
