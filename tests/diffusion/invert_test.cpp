// DDIM with added noise and backwards, against the reference's schedulers (scripts/golden/variations.py).
#include "diffusion/invert.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <iostream>

#include "weights/load.h"

namespace unclip {
namespace {

const std::map<std::string, torch::Tensor>& ddim_golden() {
  static const auto golden = read_tensors(std::filesystem::path(UNCLIP_TEST_DATA) / "variations.safetensors");
  return golden;
}

ScheduleConfig cosine(bool clips) {
  ScheduleConfig config;
  config.beta_schedule = ScheduleConfig::Beta::cosine;
  config.clip_sample = clips;
  return config;
}

TEST(Ddim, AddsNoiseAsTheReference) {
  DdimSampler sampler(cosine(true), 10, 0, 0.6);
  const torch::Tensor outputs = ddim_golden().at("ddim.outputs"), samples = ddim_golden().at("ddim.samples");
  NoiseSource noise({2}, torch::kCPU);
  torch::Tensor x = samples[0].unsqueeze(0);
  double largest = 0;
  for (size_t i = 0; i < 10; ++i) {
    const auto step = static_cast<int64_t>(i);
    x = sampler.step(i, outputs[step].unsqueeze(0), x, noise);
    largest = std::max(
        largest, ((x[0] - samples[step + 1]).abs().max() / samples[step + 1].abs().max()).item<double>());
  }
  std::cout << "largest relative difference " << largest << "\n";
  EXPECT_LE(largest, 1e-5);
}

// The reference starts one stride later, at timestep 0: its first step does nothing there.
TEST(Ddim, GoesBackAsTheReference) {
  DdimSampler sampler(cosine(false), 10);
  const torch::Tensor outputs = ddim_golden().at("inversion.outputs"),
                      samples = ddim_golden().at("inversion.samples");
  const torch::Tensor timesteps = ddim_golden().at("inversion.timesteps");
  int64_t call = 0;
  const Predict net = [&](const torch::Tensor&, float t) {
    EXPECT_EQ(t, timesteps[call].item<float>());
    return outputs[call++].unsqueeze(0);
  };
  const torch::Tensor x = invert(sampler, samples[0].unsqueeze(0), net, 1, [](const Estimate&) {});
  EXPECT_EQ(call, 10);
  const double apart = ((x[0] - samples[10]).abs().max() / samples[10].abs().max()).item<double>();
  std::cout << "largest relative difference " << apart << "\n";
  EXPECT_LE(apart, 1e-4);
}

TEST(Ddim, MoreRoundsRebuildMoreExactly) {
  torch::manual_seed(3);
  const torch::Tensor x0 = torch::randn({2, 3, 4, 4});
  const Predict net = [](const torch::Tensor& x, float t) {
    return (x * (1.0 - t / 4000.0)).sin();  // bends, as a net does
  };
  const auto error = [&](int64_t rounds) {
    DdimSampler sampler(cosine(false), 20);
    NoiseSource none({0, 0}, torch::kCPU);
    const torch::Tensor start = invert(sampler, x0, net, rounds, [](const Estimate&) {});
    return (denoise(sampler, start, net, none, [](const Estimate&) {}) - x0).abs().max().item<double>();
  };
  const double one = error(1), two = error(2), eight = error(8);
  std::cout << "largest error after 1, 2, 8 rounds: " << one << ", " << two << ", " << eight << "\n";
  EXPECT_LT(two, one / 2);
  EXPECT_LT(eight, 1e-3);
}

}  // namespace
}  // namespace unclip
