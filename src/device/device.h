// Turns the user's choice into a torch device and dtype.
//
// The program links libtorch_cpu alone; CUDA is opened at run time, before the first torch call, when an
// NVIDIA driver is there. So one binary runs on machines with and without a GPU.
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>

#include "unclip/device_choice.h"

namespace unclip {

class NetMemory;

struct DeviceAndDtype {
  torch::Device device;
  torch::Dtype dtype;
  std::shared_ptr<NetMemory> memory = {};  // of one net at a time (pipeline/load_net.h); nullptr: of all nets
};

// Must run before any other torch call of the process. On a GPU, too, f32 is float32 and not TF32, and
// cuDNN's algorithms are the fastest or the deterministic ones for the whole process. Throws Error(usage)
// when CUDA is asked for and cannot be had, saying why.
DeviceAndDtype select_device(const DeviceChoice& device, DtypeChoice dtype);

// "cuda:0, NVIDIA H100" or "cpu, 8 threads": for logs and metadata.
std::string describe(const DeviceAndDtype& target);

// "f32", "bf16" or "f16".
std::string dtype_name(torch::Dtype dtype);

}  // namespace unclip
