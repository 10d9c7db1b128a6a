// Which devices tests run on, by name.
#pragma once

#include <torch/types.h>

#include <optional>
#include <string>

#include "support/simulated_accelerator.h"

namespace unclip {

inline constexpr const char *kSimulated = "simulated", *kCuda = "cuda";

// Empty for CUDA on a machine without a GPU.
std::optional<torch::Device> find_device(const std::string& name);

}  // namespace unclip
