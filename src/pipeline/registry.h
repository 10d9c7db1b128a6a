// Which nets are built: from the class that model_index.json names to the module that its config describes.
#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "checkpoint/config.h"

namespace unclip {

// Makes a net with uninitialized weights: memory is reserved, but none is touched until a checkpoint fills
// it.
using NetMaker = std::function<std::shared_ptr<torch::nn::Module>(const Config&)>;

// Class name → maker; each throws Error(model) for a config that is not supported.
const std::map<std::string, NetMaker>& net_makers();

}  // namespace unclip
