// From training to a model folder in the layout of the Python reference, which opens it as UnCLIPPipeline.
#pragma once

#include <filesystem>

#include "train/stage.h"

namespace unclip {

// The index, the schedulers' configs and the vision tower's preprocessor, as the recipe says.
void export_skeleton(const std::filesystem::path& model, const Recipe& recipe);

// config.json and the averaged weights in float16 of the stage's nets.
void export_nets(const std::filesystem::path& model, const Recipe& recipe, const Stage& stage,
                 const std::map<std::string, torch::Tensor>& averaged);

// Takes the configs of a model folder's components over into the recipe: a fine-tuned model keeps its sizes.
void import_configs(const std::filesystem::path& model, Recipe& recipe);
// Fills the stage's nets from the components that the model folder has; true when it has all of them.
bool import_nets(const std::filesystem::path& model, const Stage& stage);

}  // namespace unclip
