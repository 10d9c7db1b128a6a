#include "train/optimizer.h"

#include <gtest/gtest.h>
#include <torch/optim/adamw.h>

#include <cmath>
#include <limits>

#include "train/muon.h"
#include "weights/load.h"

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

// In the passes of the CPU, and in the operations that other devices and float16 take. In float32 nothing is
// rounded to bfloat16, which a CPU without instructions for it multiplies a hundred times as slowly.
TEST_F(Optimizing, EqualsTorchsMuon) {
  const auto golden = read_tensors(std::string(UNCLIP_TEST_DATA) + "/muon.safetensors");
  OptimizerOptions options = kPlain;
  options.muon = true;
  for (const std::string name : {"wide", "tall", "square"})
    for (const auto dtype : {torch::kFloat32, torch::kFloat16}) {
      const torch::Tensor before = golden.at(name + ".before");
      const torch::Tensor expected =
          golden.at(name + (dtype == torch::kFloat32 ? ".after.float32" : ".after"));
      torch::Tensor matrix = before.clone();
      Optimizer optimizer({{"matrix", matrix}}, options, dtype, torch::kCPU, workers);
      for (const torch::Tensor& gradient : golden.at(name + ".gradients").unbind()) {
        (matrix * gradient).sum().backward();
        optimizer.accumulate();
        optimizer.step(0.02);
      }
      const torch::Tensor error = (optimizer.state().at("weights.matrix") - expected).abs().max();
      const double of_the_way = (error / (before - expected).abs().max()).item<double>();
      std::cout << name << ", " << dtype << ": largest difference " << of_the_way << " of the way\n";
      // Five iterations make of a rounding up to 3.4⁵ times as much: 6e-8 in float32. Else it is of bfloat16.
      EXPECT_LE(of_the_way, dtype == torch::kFloat32 ? 3e-5 : 1e-3);
    }
}

// A table beside a matrix learns as it would alone.
TEST_F(Optimizing, MuonLeavesEmbeddingsAndOuterConvolutionsToAdamW) {
  const torch::Tensor kernel = torch::ones({4, 4, 3, 3});
  EXPECT_TRUE(is_hidden_matrix("decoder.mid_block.resnets.0.conv1.weight", kernel));
  EXPECT_TRUE(is_hidden_matrix("text_encoder.encoder.layers.0.mlp.fc1.weight", torch::ones({4, 4})));
  EXPECT_FALSE(is_hidden_matrix("decoder.mid_block.resnets.0.norm1.weight", torch::ones({4})));
  EXPECT_FALSE(is_hidden_matrix("decoder.conv_in.weight", kernel));
  EXPECT_FALSE(is_hidden_matrix("decoder.conv_out.weight", kernel));
  Net net, alone;
  torch::Tensor hidden = torch::ones({3, 3});
  OptimizerOptions options = kPlain;
  options.muon = true;
  Optimizer muon({{"hidden", hidden}, {"embedding", net.matrix}, {"bias", net.bias}}, options,
                 torch::kFloat32, torch::kCPU, workers);
  Optimizer adamw({{"embedding", alone.matrix}, {"bias", alone.bias}}, kPlain, torch::kFloat32, torch::kCPU,
                  workers);
  for (int i = 0; i < 3; ++i) {
    (net.loss() + hidden.square().sum()).backward();
    alone.loss().backward();
    muon.accumulate();
    adamw.accumulate();
    muon.step(0.02);
    adamw.step(0.02);
  }
  EXPECT_TRUE(net.matrix.equal(alone.matrix));
  EXPECT_TRUE(net.bias.equal(alone.bias));
  EXPECT_FALSE(hidden.equal(torch::ones({3, 3})));
}

// A phase may take AdamW although another one takes Muon.
TEST_F(Optimizing, LeavesMuonsMatricesToAdamWForAStep) {
  OptimizerOptions options = kPlain;
  options.muon = true;
  for (const auto dtype : {torch::kFloat32, torch::kFloat16}) {
    Net net, alone;
    Optimizer both(net.parameters(), options, dtype, torch::kCPU, workers);
    Optimizer adamw(alone.parameters(), kPlain, dtype, torch::kCPU, workers);
    for (int i = 0; i < 3; ++i) {
      net.loss().backward();
      alone.loss().backward();
      both.accumulate();
      adamw.accumulate();
      both.step(0.02, /*muon=*/false);
      adamw.step(0.02);
    }
    EXPECT_TRUE(net.matrix.equal(alone.matrix));
    EXPECT_TRUE(net.bias.equal(alone.bias));
  }
}

// Neither weight decay nor momentum moves a net that is locked for a phase.
TEST_F(Optimizing, WhatGotNoGradientStays) {
  for (const bool muon : {false, true})
    for (const auto dtype : {torch::kFloat32, torch::kFloat16}) {
      Net net;
      OptimizerOptions options = kPlain;
      options.muon = muon;
      Optimizer optimizer(net.parameters(), options, dtype, torch::kCPU, workers);
      const auto step = [&](const torch::Tensor& loss) {
        loss.backward();
        optimizer.accumulate();
        optimizer.step(0.02);
      };
      step(net.loss());
      const auto value = [&](const std::string& name) { return optimizer.state().at(name).clone(); };
      const torch::Tensor weights = value("weights.matrix"), momentum = value("exp_avg.matrix"),
                          bias = value("weights.bias");
      EXPECT_FALSE(weights.equal(torch::ones({2, 3})));
      for (int i = 0; i < 2; ++i) step(net.bias.sum());
      EXPECT_TRUE(value("weights.matrix").equal(weights));
      EXPECT_TRUE(value("exp_avg.matrix").equal(momentum));
      EXPECT_FALSE(value("weights.bias").equal(bias));
      step(net.loss());
      EXPECT_FALSE(value("weights.matrix").equal(weights));
    }
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
