#include "train/recipe.h"

#include <gtest/gtest.h>

#include "refusal.h"
#include "train/tiny_recipe.h"

namespace unclip {
namespace {

TEST(Recipe, WarmsUpThenCoolsInEachPhase) {
  StageRecipe stage;
  stage.phases = {{.steps = 10, .batch = 1, .learning_rate = 1, .warmup = 4},
                  {.steps = 4, .batch = 1, .learning_rate = 2, .final_learning_rate = 1}};
  EXPECT_EQ(stage.steps(), 14);
  EXPECT_DOUBLE_EQ(stage.learning_rate(0), 0.25);
  EXPECT_DOUBLE_EQ(stage.learning_rate(3), 1);
  EXPECT_DOUBLE_EQ(stage.learning_rate(7), 0.5);
  EXPECT_EQ(stage.at(10).phase, 1U);
  EXPECT_EQ(stage.at(10).step, 0);
  EXPECT_DOUBLE_EQ(stage.learning_rate(10), 2);
  EXPECT_DOUBLE_EQ(stage.learning_rate(12), 1.5);
}

TEST(Recipe, PhasesTakeFromTheStageWhatTheyDoNotName) {
  nlohmann::json values = tiny_recipe();
  nlohmann::json& decoder = values["stages"]["decoder"];
  decoder.update(
      {{"snr_weight_max", 5}, {"optimizer", "muon"}, {"train_towers", true}, {"embedding_dropout", 0.4}});
  decoder["phases"] = {decoder["phases"][0], decoder["phases"][0]};
  decoder["phases"][0].update({{"snr_weight_max", 1},
                               {"timestep_shift", 2},
                               {"optimizer", "adamw"},
                               {"train_towers", false},
                               {"embedding_dropout", 0.2}});
  const Recipe recipe = Recipe::from(values, "r.json");
  const auto& phases = recipe.stage("decoder").phases;
  EXPECT_EQ(phases[0].emphasis.snr_weight_max, 1);
  EXPECT_EQ(phases[0].emphasis.timestep_shift, 2);
  EXPECT_EQ(phases[1].emphasis.snr_weight_max, 5);
  EXPECT_EQ(phases[1].emphasis.timestep_shift, 1);
  EXPECT_FALSE(phases[0].muon);
  EXPECT_FALSE(phases[0].train_towers);
  EXPECT_EQ(phases[0].embedding_dropout, 0.2);
  EXPECT_TRUE(phases[1].muon);
  EXPECT_TRUE(phases[1].train_towers);
  EXPECT_EQ(phases[1].embedding_dropout, 0.4);
}

TEST(Recipe, NamesTheKeyThatDoesNotFit) {
  using json = nlohmann::json;
  const auto refuses = [](const std::string& part, auto change) {
    json values = tiny_recipe();
    change(values);
    expect_refusal(ExitCode::usage, part, [&] { Recipe::from(values, "r.json"); });
  };
  refuses("r.json: stages.clip: unknown key \"rate\"", [](json& r) { r["stages"]["clip"]["rate"] = 1; });
  refuses("stages.clip.phases[0]: key \"batch\" is missing",
          [](json& r) { r["stages"]["clip"]["phases"][0].erase("batch"); });
  refuses("unknown key \"cats\"", [](json& r) { r["data"]["families"]["cats"] = 1; });
  refuses("data.arrangements: unknown key \"two\"", [](json& r) { r["data"]["arrangements"]["two"] = 1; });
  refuses("unexpected value \"one\"", [](json& r) { r["seed"] = "one"; });
  refuses("unknown stage \"upscaler\"", [](json& r) { r["stages"]["upscaler"] = r["stages"]["clip"]; });
  refuses("stages.clip: key \"phases\" must list", [](json& r) { r["stages"]["clip"]["phases"] = 3; });
  refuses("stages.clip: key \"phases\" must list", [](json& r) {
    r["stages"]["clip"]["phases"] = {{"a", 1}};
  });
  refuses("stages.clip: key \"phases\" is missing", [](json& r) { r["stages"]["clip"].erase("phases"); });
  refuses("stages.clip.phases[0]: expected an object", [](json& r) { r["stages"]["clip"]["phases"] = {1}; });
  refuses("\"stages\" must be an object", [](json& r) { r["stages"] = 1; });
  refuses("\"learning_rate\" is -1", [](json& r) { r["stages"]["clip"]["phases"][0]["learning_rate"] = -1; });
  refuses("\"batch\" is 0", [](json& r) { r["stages"]["clip"]["phases"][0]["batch"] = 0; });
  refuses("\"snr_weight_max\" is 0", [](json& r) {
    r["stages"]["decoder"]["phases"][0].update({{"snr_weight_min", 1}, {"snr_weight_max", 0}});
  });
  refuses("\"ema\" is 1", [](json& r) { r["stages"]["clip"]["ema"] = 1; });
  refuses("weight above 0", [](json& r) { r["data"]["families"] = {{"shapes", 0}}; });
  refuses("\"optimizer\" must be \"adamw\" or \"muon\"",
          [](json& r) { r["stages"]["clip"]["optimizer"] = "sgd"; });
  refuses("stages.clip.phases[0]: \"optimizer\" must be",
          [](json& r) { r["stages"]["clip"]["phases"][0]["optimizer"] = "sgd"; });
  refuses("stages.prior: stage prior does not follow \"crops\", expected in upsampler only",
          [](json& r) { r["stages"]["prior"]["crops"] = 2; });
  for (const char* key :
       {"blur", "vlb_weight", "stored_examples", "noise_draws", "caption_dropout", "captions",
        "contrastive_weight", "train_towers", "embedding_dropout", "timestep_shift"})
    refuses(std::string("stage clip does not follow \"") + key,
            [&](json& r) { r["stages"]["clip"][key] = 1; });
  refuses("stages.clip.phases[0]: stage clip does not follow \"size\"",
          [](json& r) { r["stages"]["clip"]["phases"][0]["size"] = 512; });
  // Numbers that would be cut off or wrap.
  for (const json& steps : {json(2.9), json(1e300), json(true), json("3"), json(uint64_t{1} << 63)})
    refuses("\"steps\" has the unexpected value " + steps.dump(),
            [&](json& r) { r["stages"]["clip"]["phases"][0]["steps"] = steps; });
  for (const json& seed : {json(1.7), json(-1), json(false)})
    refuses("\"seed\" has the unexpected value " + seed.dump(), [&](json& r) { r["seed"] = seed; });
  refuses("\"train_image_encoder\" has the unexpected value 1",
          [](json& r) { r["stages"]["decoder"]["train_image_encoder"] = 1; });
  refuses("key \"generation\" must be an object", [](json& r) { r["generation"] = "x"; });
  refuses("needs train_towers and train_image_encoder",
          [](json& r) { r["stages"]["decoder"]["train_through_embedding"] = true; });
  refuses("multiple", [](json& r) { r["stages"]["clip"]["micro_batches"] = 5; });
}

}  // namespace
}  // namespace unclip
