// A run folder of `unclip train` with its tokenizer, for stages that are trained in the test's own process.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <fstream>
#include <string>
#include <vector>

#include "train/export.h"
#include "train/loop.h"
#include "train/tiny_recipe.h"
#include "train/tokenizer_trainer.h"
#include "weights/load.h"

namespace unclip {

inline StageMaker stage_maker(const std::string& name) {
  for (const NamedStage& stage : kStages)
    if (name == stage.name) return stage.make;
  return nullptr;
}

struct RunFolder {
  explicit RunFolder(const std::filesystem::path& folder_, const nlohmann::json& values = tiny_recipe(),
                     const DeviceAndDtype& target_ = {torch::kCPU, torch::kFloat32})
      : folder(folder_), target(target_), recipe(Recipe::from(values, "recipe")) {
    export_skeleton(folder / "model", recipe);
    source = make_source(recipe.scenes, {}, false);
    const std::filesystem::path words = folder / "model" / "tokenizer";
    if (!std::filesystem::exists(words / "spiece.model")) train_tokenizer(*source, recipe.tokenizer, words);
  }

  TrainContext context() const {
    return {recipe, target, folder / "model", source, Tokenizer::open(folder / "model" / "tokenizer")};
  }

  bool train(const std::string& name, double minutes = 0, int threads = 1) {
    const TrainContext shared = context();
    torch::manual_seed(1);
    return run_stage(stage_maker(name), shared,
                     {.folder = folder / name, .minutes = minutes, .threads = threads});
  }

  std::vector<double> losses(const std::string& name) const {
    std::ifstream in(folder / name / "metrics.jsonl");
    std::vector<double> losses;
    for (std::string line; std::getline(in, line);) losses.push_back(nlohmann::json::parse(line).at("loss"));
    return losses;
  }

  std::filesystem::path folder;
  DeviceAndDtype target;
  Recipe recipe;
  std::shared_ptr<const ImageSource> source;
};

// Between the tensors of two files.
inline double largest_difference(const std::filesystem::path& a, const std::filesystem::path& b) {
  const auto left = read_tensors(a), right = read_tensors(b);
  EXPECT_EQ(left.size(), right.size());
  double largest = 0;
  for (const auto& [name, tensor] : left)
    largest = std::max(largest, (tensor - right.at(name)).abs().max().item<double>());
  return largest;
}

}  // namespace unclip
