// From training to a model folder in the layout of the Python reference, which opens it as UnCLIPPipeline.
#pragma once

#include <filesystem>

#include "support/atomic_file.h"
#include "train/stage.h"

namespace unclip {

// The index, the schedulers' configs and the vision tower's preprocessor, as the recipe says. With
// Overwrite::no an index keeps what it names, and a preprocessor that is there stays: those of a model that
// is fine-tuned.
void export_skeleton(const std::filesystem::path& model, const Recipe& recipe,
                     Overwrite overwrite = Overwrite::yes);

// config.json and the averaged weights in float16 of the stage's nets.
void export_nets(const std::filesystem::path& model, const Recipe& recipe, const Stage& stage,
                 const std::map<std::string, torch::Tensor>& averaged);

// Takes the configs of a model folder's components over into the recipe: a fine-tuned model keeps its sizes.
// Throws Error(model) for a model of another family, and one without a component that the recipe lacks, too.
void import_configs(const std::filesystem::path& model, Recipe& recipe);
// Fills the stage's nets from the components that the model folder has; true when it has all of them.
bool import_nets(const std::filesystem::path& model, const Stage& stage);

}  // namespace unclip
