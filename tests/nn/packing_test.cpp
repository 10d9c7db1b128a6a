// Packed layers against plain ones.
#include "nn/packing.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "nn/layers.h"

namespace unclip {
namespace {

template <class Layer>
double largest_relative_change(Layer layer, const torch::Tensor& x) {
  torch::NoGradGuard no_grad;
  layer->reset_parameters();
  layer->to(x.scalar_type());
  const torch::Tensor plain = layer->forward(x);
  pack_weights(*layer);
  const torch::Tensor packed = layer->forward(x);
  EXPECT_EQ(packed.sizes(), plain.sizes());
  return ((packed - plain).abs().max() / plain.abs().max()).template item<double>();
}

class Packing : public testing::TestWithParam<std::pair<torch::Dtype, double>> {};

TEST_P(Packing, KeepsTheAnswers) {
  const auto [dtype, tolerance] = GetParam();
  torch::manual_seed(0);
  const torch::Tensor tokens = torch::randn({2, 7, 24}).to(dtype);
  const torch::Tensor image =
      torch::randn({2, 24, 9, 9}).to(dtype).contiguous(torch::MemoryFormat::ChannelsLast);
  const double changes[] = {
      largest_relative_change(Linear(24, 40), tokens),
      largest_relative_change(Linear(24, 40, /*with_bias=*/false), tokens),
      largest_relative_change(Conv2d(24, 16, 3, 1, 1), image),
      largest_relative_change(Conv2d(24, 16, 3, 2, 1), image),
      largest_relative_change(Conv2d(24, 16, 1), image),
  };
  const double largest = *std::max_element(std::begin(changes), std::end(changes));
  std::cout << "largest relative difference " << largest << "\n";
  EXPECT_LE(largest, tolerance);
}

TEST_P(Packing, DoublesByFourTaps) {
  const auto [dtype, tolerance] = GetParam();
  torch::manual_seed(1);
  const torch::NoGradGuard no_grad;
  Conv2d layer(24, 16, 3, 1, 1);
  layer->both_ways = true;
  layer->reset_parameters();
  const torch::Tensor image = torch::randn({2, 24, 5, 9});
  const torch::Tensor expected =
      at::conv2d(at::upsample_nearest2d(image, {10, 18}), layer->weight, layer->bias, 1, 1);
  layer->to(dtype);
  const auto largest_change = [&] {
    const torch::Tensor found =
        layer->forward_doubled(image.to(dtype).contiguous(torch::MemoryFormat::ChannelsLast));
    EXPECT_TRUE(found.is_contiguous(torch::MemoryFormat::ChannelsLast));
    EXPECT_EQ(found.sizes(), expected.sizes());
    return ((found - expected).abs().max() / expected.abs().max()).template item<double>();
  };
  EXPECT_LE(largest_change(), tolerance);
  pack_weights(*layer);
  EXPECT_LE(largest_change(), tolerance);
  // The same layer serves sizes that are not doubled, in whatever order.
  layer->forward(image.to(dtype).contiguous(torch::MemoryFormat::ChannelsLast));
  layer->doubling.reset();
  EXPECT_LE(largest_change(), tolerance);
}

TEST(Packing, IsUndone) {
  Conv2d layer(24, 16, 3, 1, 1);
  layer->both_ways = true;
  layer->reset_parameters();
  pack_weights(*layer);
  const torch::NoGradGuard no_grad;
  layer->forward(torch::zeros({1, 24, 4, 4}));
  layer->forward_doubled(torch::zeros({1, 24, 4, 4}));
  give_up_weights(*layer);
  EXPECT_FALSE(layer->packed || layer->doubling);
  EXPECT_EQ(layer->weight.storage().nbytes(), sizeof(float));
  EXPECT_EQ(layer->weight.sizes(), (std::vector<int64_t>{16, 24, 3, 3}));
}

INSTANTIATE_TEST_SUITE_P(Dtypes, Packing,
                         testing::Values(std::pair{torch::kFloat32, 1e-6},
                                         std::pair{torch::kBFloat16, 8e-3}));

TEST(Packing, GivesUpThePlainCopy) {
  Linear layer(256, 256);
  layer->reset_parameters();
  pack_weights(*layer);
  layer->forward(torch::zeros({3, 256}));
  EXPECT_EQ(layer->weight.storage().nbytes(), sizeof(float));
  EXPECT_EQ(layer->weight.sizes(), (std::vector<int64_t>{256, 256}));
}

}  // namespace
}  // namespace unclip
