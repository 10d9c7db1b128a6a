// Our group norm and its gradient against the library's own.
#include "nn/fused_group_norm.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

namespace unclip {
namespace {

struct Case {
  std::vector<int64_t> shape;
  int64_t groups;
  torch::MemoryFormat format;
};

double relative_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

class GroupNormGradient : public testing::TestWithParam<Case> {};

TEST_P(GroupNormGradient, EqualsTheLibrarys) {
  const Case& c = GetParam();
  torch::manual_seed(0);
  const torch::Tensor x = (3 * torch::randn(c.shape) + 1).contiguous(c.format).requires_grad_(true);
  const torch::Tensor weight = torch::randn({c.shape[1]}).requires_grad_(true);
  const torch::Tensor bias = torch::randn({c.shape[1]}).requires_grad_(true);
  const torch::Tensor dy = torch::randn(c.shape);
  const torch::autograd::variable_list inputs{x, weight, bias};
  const torch::Tensor own = fused_group_norm(x, c.groups, weight, bias, 1e-5);
  const torch::Tensor library = at::group_norm(x, c.groups, weight, bias, 1e-5);
  const auto of_own = torch::autograd::grad({own}, inputs, {dy});
  const auto of_library = torch::autograd::grad({library}, inputs, {dy});
  EXPECT_LE(relative_difference(own, library), 1e-6);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const double difference = relative_difference(of_own[i], of_library[i]);
    std::cout << "input " << i << ": largest relative difference " << difference << '\n';
    EXPECT_LE(difference, 1e-4);
  }
  EXPECT_TRUE(of_own[0].is_contiguous(c.format));
}

class ScaledGroupNormGradient : public testing::TestWithParam<bool> {};

TEST_P(ScaledGroupNormGradient, EqualsTheLibrarys) {
  const bool silu = GetParam();
  torch::manual_seed(0);
  const auto random = [](at::IntArrayRef shape) { return torch::randn(shape).requires_grad_(true); };
  const torch::Tensor x = random({3, 24, 6, 6}), weight = random({24}), bias = random({24});
  const torch::Tensor scale = random({3, 24, 1, 1}), shift = random({3, 24, 1, 1}),
                      dy = torch::randn({3, 24, 6, 6});
  const torch::autograd::variable_list inputs{x, weight, bias, scale, shift};
  const torch::Tensor own = fused_group_norm(x, 4, weight, bias, 1e-5, scale, shift, silu);
  const torch::Tensor z = at::group_norm(x, 4, weight, bias, 1e-5) * (scale + 1) + shift;
  const torch::Tensor library = silu ? at::silu(z) : z;
  const auto of_own = torch::autograd::grad({own}, inputs, {dy});
  const auto of_library = torch::autograd::grad({library}, inputs, {dy});
  EXPECT_LE(relative_difference(own, library), 1e-6);
  for (size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_EQ(of_own[i].sizes(), inputs[i].sizes());
    const double difference = relative_difference(of_own[i], of_library[i]);
    std::cout << "input " << i << ": largest relative difference " << difference << '\n';
    EXPECT_LE(difference, 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Silu, ScaledGroupNormGradient, testing::Bool());

// Sums over many positions are taken in parts, and of values far from zero: neither their order nor the mean
// may show.
TEST(FusedGroupNorm, IsTheSameWithAnyNumberOfThreads) {
  torch::manual_seed(0);
  const torch::Tensor x = (torch::randn({1, 64, 48, 48}) + 100).contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor weight = torch::randn({64}), bias = torch::randn({64});
  const auto normalize = [&](int threads) {
    at::set_num_threads(threads);
    return fused_group_norm(x, 8, weight, bias, 1e-5, {}, {}, /*silu=*/true);
  };
  const int threads = at::get_num_threads();
  const torch::Tensor one = normalize(1), two = normalize(2);
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(one, two));
  const torch::Tensor exact = at::silu(
      at::group_norm(x.to(torch::kFloat64), 8, weight.to(torch::kFloat64), bias.to(torch::kFloat64), 1e-5));
  EXPECT_LE((one - exact).abs().max().item<double>(), 5e-5);  // x itself is known to 4e-6
}

// SiLU far from zero, where the exponential overflows.
TEST(GroupNormGradient, StaysFiniteFarFromZero) {
  const torch::Tensor x = torch::tensor({-1.0F, 1.0F}).repeat({1, 8, 4, 2}).requires_grad_(true);
  const torch::Tensor weight = torch::full({8}, 500.0F).requires_grad_(true), bias = torch::zeros({8});
  const torch::Tensor y = fused_group_norm(x, 2, weight, bias, 1e-5, {}, {}, /*silu=*/true);
  const torch::Tensor expected = at::silu(at::group_norm(x, 2, weight, bias, 1e-5));
  EXPECT_LE((y - expected).abs().max().item<double>(), 1e-3);
  for (const torch::Tensor& gradient : torch::autograd::grad({y.sum()}, {x, weight}))
    EXPECT_TRUE(gradient.isfinite().all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Shapes, GroupNormGradient,
                         testing::Values(Case{{2, 32, 8, 8}, 8, torch::MemoryFormat::ChannelsLast},
                                         Case{{3, 16, 5, 7}, 16, torch::MemoryFormat::ChannelsLast},
                                         Case{{1, 12, 4, 4}, 1, torch::MemoryFormat::ChannelsLast},
                                         Case{{2, 16, 33, 17}, 4, torch::MemoryFormat::ChannelsLast},
                                         Case{{2, 12, 9}, 3, torch::MemoryFormat::Contiguous}));

class HalfGroupNormGradient : public testing::TestWithParam<torch::Dtype> {};

TEST_P(HalfGroupNormGradient, IsClose) {
  torch::manual_seed(0);
  const torch::Tensor x = torch::randn({4, 32, 16, 16}).contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor dy = torch::randn_like(x), weight = torch::rand({32}) + 0.5, bias = torch::zeros({32});
  const auto gradient = [&](torch::Dtype dtype) {
    const torch::Tensor input = x.to(dtype).requires_grad_(true);
    const torch::Tensor y = fused_group_norm(input, 8, weight.to(dtype), bias.to(dtype), 1e-5);
    return torch::autograd::grad({y}, {input}, {dy.to(dtype)})[0].to(torch::kFloat32);
  };
  EXPECT_LE(relative_difference(gradient(GetParam()), gradient(torch::kFloat32)), 0.02);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, HalfGroupNormGradient, testing::Values(torch::kBFloat16, torch::kHalf));

}  // namespace
}  // namespace unclip
