// The sampler against trajectories of the reference's UnCLIPScheduler, and the noise source against itself.
#include "diffusion/scheduled_sampler.h"

#include <gtest/gtest.h>

#include "diffusion/denoise.h"
#include "weights/load.h"

namespace unclip {
namespace {

Config scheduler_config(const std::string& name) {
  return Config::read(std::filesystem::path(UNCLIP_TEST_DATA) / "karlo-tiny" / name /
                      "scheduler_config.json");
}

class Trajectory : public testing::TestWithParam<std::tuple<std::string, int64_t>> {};

TEST_P(Trajectory, EqualsTheReference) {
  const auto& [name, steps] = GetParam();
  const auto golden = read_tensors(std::filesystem::path(UNCLIP_TEST_DATA) / "unclip-scheduler.safetensors");
  const std::string prefix = name + "." + std::to_string(steps) + ".";
  const auto sampler =
      make_sampler(SamplerKind::unclip, ScheduleConfig::from_unclip(scheduler_config(name)), steps);
  EXPECT_TRUE(
      torch::equal(torch::tensor(sampler->timesteps()), golden.at(prefix + "timesteps").to(torch::kFloat32)));

  const torch::Tensor outputs = golden.at(prefix + "outputs");
  const torch::Tensor samples = golden.at(prefix + "samples");
  NoiseSource noise({2}, torch::kCPU);
  torch::Tensor x = samples[0].unsqueeze(0);
  double largest = 0;
  for (int64_t i = 0; i < steps; ++i) {
    x = sampler->step(static_cast<size_t>(i), outputs[i].unsqueeze(0), x, noise);
    const torch::Tensor expected = samples[i + 1];
    largest = std::max(largest, ((x[0] - expected).abs().max() / expected.abs().max()).item<double>());
  }
  std::cout << "largest relative difference " << largest << "\n";
  EXPECT_LE(largest, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Settings, Trajectory,
                         testing::Combine(testing::Values("prior_scheduler", "decoder_scheduler",
                                                          "super_res_scheduler"),
                                          testing::Values(2, 7, 25)));

TEST(UnclipSampler, RefusesOneStep) {
  try {
    make_sampler(SamplerKind::unclip, {}, 1);
    FAIL() << "one step was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code, ExitCode::usage);
    EXPECT_STREQ(error.what(), "expected 2 to 1000 steps, found 1");
  }
}

TEST(UnclipSampler, RefusesUnknownSettings) {
  const Config config({{"variance_type", "fixed_large"}}, "scheduler_config.json");
  EXPECT_THROW(ScheduleConfig::from_unclip(config), Error);
}

TEST(NoiseSource, VariantsFollowTheImagesOwnDraws) {
  NoiseSource own({8, 9}, torch::kCPU), before({8, 9}, torch::kCPU), alone({9}, torch::kCPU);
  NoiseSource all = own.with_variants(3);
  const torch::Tensor drawn = all.normal({50}), first = before.normal({50});
  ASSERT_EQ(drawn.sizes(), (std::vector<int64_t>{6, 50}));
  EXPECT_TRUE(drawn.narrow(0, 0, 2).equal(first));
  EXPECT_TRUE(own.normal({50}).equal(before.normal({50})));  // on from where that stood
  EXPECT_TRUE(alone.with_variants(3).normal({50}).equal(drawn.index_select(0, torch::tensor({1, 3, 5}))));
  for (int64_t i = 1; i < 6; ++i) EXPECT_FALSE(drawn[i].equal(drawn[i - 1])) << i;
}

TEST(NoiseSource, DrawsDoNotDependOnTheBatch) {
  NoiseSource alone({8}, torch::kCPU), together({7, 8, 9}, torch::kCPU);
  for (int draw = 0; draw < 3; ++draw)
    EXPECT_TRUE(torch::equal(alone.normal({3, 8, 8})[0], together.normal({3, 8, 8})[1]));
}

TEST(Guided, CombinesHalvesAndKeepsThePredictedVariance) {
  // The net answers uncond = 1, cond = 3 and variances 10, 20; one image at scale 2, one at 0.
  const Predict net = [](const torch::Tensor& x, float) {
    const int64_t half = x.size(0) / 2;
    const auto rows = [&](double prediction, double variance) {
      return at::cat({torch::full({half, 3, 2, 2}, prediction), torch::full({half, 3, 2, 2}, variance)}, 1);
    };
    return at::cat({rows(1, 10), rows(3, 20)});
  };
  const torch::Tensor y = guided(net, torch::tensor({2.0F, 0.0F}))(torch::zeros({2, 3, 2, 2}), 5);
  ASSERT_EQ(y.sizes(), (std::vector<int64_t>{2, 6, 2, 2}));
  EXPECT_TRUE((y[0].narrow(0, 0, 3) == 5).all().item<bool>());
  EXPECT_TRUE((y[1].narrow(0, 0, 3) == 1).all().item<bool>());
  EXPECT_TRUE((y.narrow(1, 3, 3) == 20).all().item<bool>());
}

}  // namespace
}  // namespace unclip
