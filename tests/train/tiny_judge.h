// A recipe of the judge of scenes that trains in a second: three facts of landscapes.
#pragma once

#include <torch/types.h>
#include <torch/utils.h>

#include <filesystem>

#include "train/loop.h"
#include "train/tiny_recipe.h"

namespace unclip {

inline nlohmann::json tiny_judge_recipe(int64_t steps) {
  using nlohmann::json;
  const json labels{{"0", "night"}, {"1", "sea"}, {"2", "stars"}};
  return {{"seed", 1},
          {"data", {{"families", {{"landscapes", 1}}}, {"styles", {{"flat", 1}}}}},
          {"components",
           {{"judge",
             {{"hidden_size", 16},
              {"intermediate_size", 32},
              {"num_hidden_layers", 1},
              {"num_attention_heads", 2},
              {"image_size", 16},
              {"patch_size", 4},
              {"projection_dim", 3},
              {"id2label", labels}}}}},
          {"stages", {{"judge", {{"phases", json::array({tiny_phase(steps, 32, 5e-3)})}, {"ema", 0.9}}}}}};
}

// Into FOLDER/model/judge.
inline bool train_judge(const std::filesystem::path& folder, const nlohmann::json& values, double minutes = 0,
                        int threads = 1, const DeviceAndDtype& target = {torch::kCPU, torch::kFloat32}) {
  const Recipe recipe = Recipe::from(values, "recipe");
  const TrainContext context{recipe, target, folder / "model", make_source(recipe.scenes, {}, false),
                             nullptr};
  torch::manual_seed(1);
  return run_stage(make_judge_stage, context,
                   {.folder = folder / "judge", .minutes = minutes, .threads = threads});
}

}  // namespace unclip
