// What is chosen and measured on a device.
#include "on_device.h"

#include <torch/types.h>

#include "device/device.h"
#include "device/memory.h"

namespace unclip {
namespace {

class DeviceOnDevice : public OnDevice {
 protected:
  DeviceAndDtype select(DtypeChoice dtype) const {
    using Kind = DeviceChoice::Kind;
    return select_device({.kind = is_simulated() ? Kind::automatic : Kind::cuda}, dtype);
  }
};

TEST_P(DeviceOnDevice, IsChosenWithTheDtypeThatItMultiplies) {
  EXPECT_EQ(select(DtypeChoice::automatic).device, torch::Device(device().type(), 0));
  EXPECT_EQ(select(DtypeChoice::automatic).dtype, torch::kBFloat16);
  EXPECT_EQ(select(DtypeChoice::f16).dtype, torch::kFloat16);
  EXPECT_EQ(describe(select(DtypeChoice::f32)), GetParam() + ":0, f32");
  EXPECT_EQ(select_device({.kind = DeviceChoice::Kind::cpu}, DtypeChoice::f32).device, torch::kCPU);
}

TEST_P(DeviceOnDevice, ChoosesTheFastestAlgorithmsOrTheSameOnesAlways) {
  using Kind = DeviceChoice::Kind;
  const auto& chosen = at::globalContext();
  DeviceChoice choice{.kind = is_simulated() ? Kind::automatic : Kind::cuda};
  select_device(choice, DtypeChoice::f32);
  EXPECT_TRUE(chosen.benchmarkCuDNN());
  EXPECT_FALSE(chosen.deterministicAlgorithms());
  choice.deterministic = true;
  select_device(choice, DtypeChoice::f32);
  EXPECT_FALSE(chosen.benchmarkCuDNN());
  EXPECT_TRUE(chosen.deterministicCuDNN());
  EXPECT_TRUE(chosen.deterministicAlgorithms());
  at::globalContext().setDeterministicAlgorithms(false, false);
  at::globalContext().setDeterministicCuDNN(false);
}

TEST_P(DeviceOnDevice, TellsWhatWorkTakesOfItsMemory) {
  constexpr int64_t kBytes = 64 << 20;
  const torch::Tensor there = torch::zeros({1}, device());
  const MemoryUse use =
      measure_memory(device(), [&] { torch::empty({kBytes}, torch::dtype(torch::kUInt8).device(device())); });
  EXPECT_GE(use.peak, kBytes);
  EXPECT_LE(use.peak, kBytes * 5 / 4);
  EXPECT_GT(use.free, kBytes);
}

UNCLIP_ON_DEVICES(DeviceOnDevice);

}  // namespace
}  // namespace unclip
