#include "train/noising.h"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

namespace unclip {
namespace {

const at::Generator chance = at::make_generator<at::CPUGeneratorImpl>(1);

ScheduleConfig config(ScheduleConfig::Prediction prediction) {
  ScheduleConfig c;
  c.prediction = prediction;
  c.variance = ScheduleConfig::Variance::learned_range;
  return c;
}

const torch::Tensor kImages = torch::linspace(-1, 1, 64 * 3 * 16).view({64, 3, 4, 4});

TEST(Noising, SpreadsTimestepsOverTheBatch) {
  torch::manual_seed(0);
  const Noised noised = Noising(config({}), torch::kCPU).noise(kImages, chance);
  const torch::Tensor sorted = std::get<0>(noised.t.sort());
  for (int64_t i = 0; i < 64; ++i) {
    EXPECT_GE(sorted[i].item<int64_t>(), i * 1000 / 64);
    EXPECT_LE(sorted[i].item<int64_t>(), (i + 1) * 1000 / 64);
  }
}

TEST(Noising, ShiftDrawsMoreOfTheNoisyTimesteps) {
  const torch::Tensor t = Noising(config({}), torch::kCPU).noise(kImages, chance, {.timestep_shift = 3}).t;
  EXPECT_NEAR(t.to(torch::kFloat64).median().item<double>(), 750, 15);  // 3·½ / (1 + 2·½)
  EXPECT_LT(t.min().item<int64_t>(), 50);
  EXPECT_LE(t.max().item<int64_t>(), 999);
}

TEST(Noising, LossIsZeroForThePerfectAnswer) {
  torch::manual_seed(0);
  const Emphasis emphasis{.snr_weight_min = 0, .snr_weight_max = 5};
  for (const auto kind : {ScheduleConfig::Prediction::sample, ScheduleConfig::Prediction::epsilon}) {
    const Noising noising(config(kind), torch::kCPU);
    const Noised noised = noising.noise(kImages, chance);
    const bool sample = kind == ScheduleConfig::Prediction::sample;
    const torch::Tensor answer =
        at::cat({sample ? noised.x0 : noised.noise, torch::zeros_like(noised.x0)}, 1);
    EXPECT_EQ(noising.loss(noised, answer, emphasis).item<float>(), 0);
    EXPECT_GT(noising.loss(noised, answer + 0.1, emphasis).item<float>(), 0);
  }
}

// The squared error of x0 times the same weight, whichever the net predicts.
TEST(Noising, BothPredictionsWeighTheSameErrorAlike) {
  torch::manual_seed(0);
  const Emphasis emphasis{.snr_weight_min = 0, .snr_weight_max = 5};
  const Noising of_sample(config(ScheduleConfig::Prediction::sample), torch::kCPU);
  const Noising of_noise(config(ScheduleConfig::Prediction::epsilon), torch::kCPU);
  Noised noised = of_sample.noise(kImages, chance);
  const torch::Tensor alpha_bar =
      at::cumprod(1 - cosine_betas(1000), 0).index_select(0, noised.t).view({64, 1, 1, 1});
  const torch::Tensor wrong = 0.1 * torch::randn_like(noised.x0) * alpha_bar.sqrt();
  const torch::Tensor as_noise = noised.noise - wrong * alpha_bar.sqrt() / (1 - alpha_bar).sqrt();
  const auto with_variance = [](const torch::Tensor& x) { return at::cat({x, torch::zeros_like(x)}, 1); };
  const float a = of_sample.loss(noised, with_variance(noised.x0 + wrong), emphasis).item<float>();
  const float b = of_noise.loss(noised, with_variance(as_noise), emphasis).item<float>();
  EXPECT_NEAR(a / b, 1, 1e-3);
}

TEST(Noising, OnlyTheVarianceLearnsFromTheBound) {
  torch::manual_seed(0);
  const Noising noising(config(ScheduleConfig::Prediction::sample), torch::kCPU);
  const Noised noised = noising.noise(kImages, chance);
  const auto gradient = [&](double vlb_weight) {
    const torch::Tensor answer = torch::full({64, 6, 4, 4}, 0.1F).requires_grad_(true);
    return torch::autograd::grad({noising.loss(noised, answer, Emphasis{}, vlb_weight)}, {answer})[0];
  };
  const torch::Tensor a = gradient(0), b = gradient(0.001);
  EXPECT_TRUE(a.narrow(1, 0, 3).equal(b.narrow(1, 0, 3)));
  EXPECT_EQ(a.narrow(1, 3, 3).abs().max().item<float>(), 0);
  EXPECT_GT(b.narrow(1, 3, 3).abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace unclip
