// CUDA graphs: the launches of a net's step, started by one call.
#pragma once

#include "nn/device_functions.h"

namespace unclip::cuda {

// As DeviceFunctions::record.
std::unique_ptr<Recording> record(torch::Device device, const std::function<void()>& work);

}  // namespace unclip::cuda
