// The simulated accelerator fails where a GPU would, and counts.
#include "support/simulated_accelerator.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "device/hand_over.h"

namespace unclip {
namespace {

std::string fault_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  }
  return "(accepted)";
}

class SimulatedAccelerator : public testing::Test {
 protected:
  const torch::Device device = simulated::device();
  const torch::Tensor there = torch::ones({2, 3}, device);
};

TEST_F(SimulatedAccelerator, RefusesTensorsOfTwoDevices) {
  const torch::Tensor here = torch::ones({3});
  EXPECT_NE(fault_of([&] { at::linear(there, here.expand({3, 3})); }).find("cpu"), std::string::npos);
  EXPECT_NE(fault_of([&] { there + here; }).find("cpu"), std::string::npos);
  EXPECT_NE(fault_of([&] { there.index_select(0, torch::tensor({1})); }).find("index_select"),
            std::string::npos);
  EXPECT_NE(fault_of([&] { there + torch::ones({3}, torch::Device(device.type(), 0)); }).find("simulated:0"),
            std::string::npos)
      << "the other device";
  EXPECT_EQ((there * torch::tensor(2.0)).sum().item<double>(), 12) << "a number may stay on the CPU";
}

TEST_F(SimulatedAccelerator, HasMemoryThatTheHostCannotRead) {
  EXPECT_EXIT(
      {
        volatile float value = *there.const_data_ptr<float>();
        (void)value;
      },
      testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(SimulatedAccelerator, HasGeneratorsOfItsOwn) {
  const at::Generator& own = at::globalContext().defaultGenerator(device);
  const auto draw = [&] {
    at::Generator(own).set_current_seed(3);
    return at::rand({4}, own, torch::device(device)).cpu();
  };
  EXPECT_TRUE(torch::equal(draw(), draw()));
  EXPECT_NE(fault_of([&] { at::rand({4}, own, torch::kFloat32); }), "(accepted)");
}

TEST_F(SimulatedAccelerator, CopiesHomeWhenSomebodyWaits) {
  const torch::Tensor numbers = there.clone();
  const Homeward copy(numbers);
  numbers.fill_(2);  // asked for after the copy
  EXPECT_FALSE(copy.is_home());
  EXPECT_TRUE(torch::equal(copy.wait(), torch::ones({2, 3})));
  EXPECT_TRUE(copy.is_home());
  EXPECT_TRUE(Homeward(torch::ones({2, 3})).is_home()) << "on the CPU";
}

TEST_F(SimulatedAccelerator, CountsWhatCrossesTheBus) {
  const simulated::Traffic found = simulated::traffic_of([&] {
    const torch::Tensor copy = torch::ones({3}).to(device);  // in
    const torch::Tensor sum = there.mul(copy).sum(1).clone();
    sum.cpu();                // out
    sum.max().item<float>();  // read
    at::equal(sum, sum + 1);  // read
  });
  EXPECT_EQ(found.in, 1);
  EXPECT_EQ(found.out, 1);
  EXPECT_EQ(found.reads, 2);
}

TEST_F(SimulatedAccelerator, RunsOutOfMemory) {
  const auto take = [&] { return torch::empty({1 << 20}, device); };
  {
    const simulated::MemoryLimit little(1 << 20);
    EXPECT_THROW(take(), c10::OutOfMemoryError);
  }
  EXPECT_EQ(take().numel(), 1 << 20);
}

}  // namespace
}  // namespace unclip
