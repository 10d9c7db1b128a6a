#include "train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace unclip {
namespace {

const OptimizerOptions kPlain{.weight_decay = 0.1, .beta1 = 0.9, .beta2 = 0.99, .clip_norm = 1e9, .ema = 0.5};

torch::Tensor quadratic(const torch::Tensor& matrix, const torch::Tensor& bias) {
  return (matrix.to(torch::kFloat32) * torch::arange(6.0).view({2, 3})).square().sum() +
         (bias.to(torch::kFloat32) - 1).square().sum();
}

struct Optimizing : testing::Test {
  Workers workers{2};
};

struct Net {
  torch::Tensor matrix = torch::ones({2, 3}), bias = torch::full({3}, 0.5F);
  std::vector<NamedTensor> parameters() { return {{"bias", bias}, {"matrix", matrix}}; }
  torch::Tensor loss() { return quadratic(matrix, bias); }
};

TEST_F(Optimizing, EqualsTorchsAdamW) {
  Net net, reference;
  Optimizer optimizer(net.parameters(), kPlain, torch::kFloat32, torch::kCPU, workers);
  reference.matrix.requires_grad_(true);
  reference.bias.requires_grad_(true);
  const auto settings = [](double decay) {
    return torch::optim::AdamWOptions(0.01).betas({0.9, 0.99}).weight_decay(decay);
  };
  torch::optim::AdamW with_decay({reference.matrix}, settings(0.1)), without({reference.bias}, settings(0));
  for (int i = 0; i < 10; ++i) {
    net.loss().backward();
    optimizer.accumulate();
    optimizer.step(0.01);
    with_decay.zero_grad();
    without.zero_grad();
    reference.loss().backward();
    with_decay.step();
    without.step();
  }
  const double difference = std::max((net.matrix - reference.matrix).abs().max().item<double>(),
                                     (net.bias - reference.bias).abs().max().item<double>());
  std::cout << "largest difference " << difference << '\n';
  EXPECT_LE(difference, 1e-6);
}

TEST_F(Optimizing, SumsGradientsAndClipsTheirNorm) {
  Net net;
  OptimizerOptions options = kPlain;
  options.clip_norm = 0.5;
  Optimizer optimizer(net.parameters(), options, torch::kFloat32, torch::kCPU, workers);
  net.loss().backward();
  optimizer.accumulate();
  net.loss().backward();
  optimizer.accumulate();
  const double once = (2 * torch::arange(6.0).square()).square().sum().item<double>() + 3;
  EXPECT_NEAR(optimizer.step(0.01).item<double>(), 2 * std::sqrt(once), 1e-3);
}

TEST_F(Optimizing, KeepsFloat32MastersBehindBfloat16) {
  Net net;
  Optimizer optimizer(net.parameters(), kPlain, torch::kBFloat16, torch::kCPU, workers);
  EXPECT_EQ(net.matrix.scalar_type(), torch::kBFloat16);
  for (int i = 0; i < 100; ++i) {  // each step far below bfloat16's resolution at 1
    net.loss().backward();
    optimizer.accumulate();
    optimizer.step(1e-4);
  }
  EXPECT_NEAR(net.matrix[1][2].item<float>(), 0.99, 0.005);
}

// Squares of tiny gradients are no normal numbers any more; those of none are zero.
TEST_F(Optimizing, TakesTinyGradients) {
  Net net;
  Optimizer optimizer(net.parameters(), kPlain, torch::kBFloat16, torch::kCPU, workers);
  for (int i = 0; i < 3; ++i) {
    ((net.matrix.to(torch::kFloat32) * torch::arange(6.0).view({2, 3})).sum() * 3e-21F).backward();
    optimizer.accumulate();
    EXPECT_TRUE(std::isfinite(optimizer.step(0.01).item<double>()));
  }
  EXPECT_TRUE(net.matrix.isfinite().all().item<bool>());
  EXPECT_TRUE(net.bias.isfinite().all().item<bool>());
}

TEST_F(Optimizing, AveragesWeights) {
  Net net;
  Optimizer optimizer(net.parameters(), kPlain, torch::kFloat32, torch::kCPU, workers);
  torch::Tensor expected = net.bias.clone();
  for (int n = 1; n <= 12; ++n) {
    net.loss().backward();
    optimizer.accumulate();
    optimizer.step(0.05);
    expected.lerp_(net.bias.detach(), 1 - std::min(0.5, (1.0 + n) / (10.0 + n)));
  }
  const torch::Tensor now = net.bias.detach().clone();
  EXPECT_LE((optimizer.averaged().at("bias") - expected).abs().max().item<double>(), 1e-6);
  {
    const Optimizer::ShowAveraged shown(optimizer);
    EXPECT_LE((net.bias - expected).abs().max().item<double>(), 1e-6);
  }
  EXPECT_TRUE(net.bias.equal(now));
}

TEST_F(Optimizing, LeavesWeightsAloneWhereTheGradientIsNoNumber) {
  Net net;
  Optimizer optimizer(net.parameters(), kPlain, torch::kFloat32, torch::kCPU, workers);
  const torch::Tensor before = net.matrix.detach().clone();
  (net.loss() * std::numeric_limits<float>::quiet_NaN()).backward();
  optimizer.accumulate();
  EXPECT_FALSE(std::isfinite(optimizer.step(0.1).item<double>()));
  EXPECT_TRUE(net.matrix.equal(before));
  EXPECT_EQ(optimizer.steps(), 0);
}

}  // namespace
}  // namespace unclip
