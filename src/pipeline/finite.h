// Numbers that are none: an image of them would be black, or look like one.
#pragma once

#include <torch/types.h>

#include "device/device.h"

namespace unclip {

// `values`; throws Error(jobs_failed), naming the stage that gave them, where one is NaN or infinite.
torch::Tensor finite(torch::Tensor values, const char* stage, const DeviceAndDtype& target);

}  // namespace unclip
