// Tests on devices beside the CPU: the simulated accelerator always, and CUDA where there is a GPU.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <string>

#include "support/test_devices.h"

namespace unclip {

class OnDevice : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!find_device(GetParam())) GTEST_SKIP() << "no GPU here";
  }

  torch::Device device() const { return find_device(GetParam()).value(); }
  bool is_simulated() const { return GetParam() == kSimulated; }
};

}  // namespace unclip

// Runs the tests of `fixture` on every device.
#define UNCLIP_ON_DEVICES(fixture)                                                               \
  INSTANTIATE_TEST_SUITE_P(Devices, fixture, testing::Values(unclip::kSimulated, unclip::kCuda), \
                           [](const auto& device) { return device.param; })
