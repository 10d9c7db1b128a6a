// Winograd's convolution against the library's in float32, of the same numbers.
#include "nn/winograd.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <mutex>
#include <set>
#include <thread>

#include "nn/exponential.h"
#include "nn/packing.h"
#include "nn/winograd_kernels.h"

namespace unclip {
namespace {

struct ConvolutionCase {
  int64_t images, in, out, height, width;
  bool with_bias = true;
};

// Odd sizes, a single position, blocks of channels that are not full, more tiles than a block, a kernel that
// does not keep its points.
const ConvolutionCase kConvolutionCases[] = {{2, 48, 48, 8, 8},   {1, 66, 200, 7, 9},
                                             {3, 64, 72, 1, 1},   {1, 96, 128, 33, 16},
                                             {2, 512, 640, 5, 6}, {1, 64, 64, 2, 3, false}};

class Winograd : public testing::TestWithParam<std::pair<torch::Dtype, double>> {
 protected:
  void SetUp() override {
    torch::manual_seed(0);
    if (!suits_winograd(torch::zeros({256, 256, 3, 3}, dtype())))
      GTEST_SKIP() << "not this processor's dtype";
  }
  static torch::Dtype dtype() { return GetParam().first; }
  static torch::Tensor drawn(at::IntArrayRef shape) {
    const torch::Tensor t = torch::randn(shape).to(dtype());
    return shape.size() == 4 ? t.contiguous(torch::MemoryFormat::ChannelsLast) : t;
  }
  const torch::InferenceMode inference;
};

TEST_P(Winograd, EqualsTheLibrarysInFloat32) {
  const auto wide = [](const torch::Tensor& t) { return t.to(torch::kFloat32); };
  for (const ConvolutionCase& c : kConvolutionCases)
    for (const bool doubled : {false, true}) {
      const torch::Tensor x = drawn({c.images, c.in, c.height, c.width}), weight = drawn({c.out, c.in, 3, 3}),
                          bias = c.with_bias ? drawn({c.out}) : torch::Tensor();
      const torch::Tensor seen =
          doubled ? at::upsample_nearest2d(wide(x), {2 * c.height, 2 * c.width}) : wide(x);
      const torch::Tensor expected = at::conv2d(seen, wide(weight), bias.defined() ? wide(bias) : bias, 1, 1);
      const torch::Tensor kernel = winograd_kernel(weight, doubled);
      const torch::Tensor found = winograd_conv2d(x, kernel, bias, doubled);
      ASSERT_EQ(found.sizes(), expected.sizes());
      EXPECT_TRUE(found.is_contiguous(torch::MemoryFormat::ChannelsLast));
      const double difference = ((wide(found) - expected).norm() / expected.norm()).item<double>();
      std::cout << c.in << " → " << c.out << " of " << c.height << " × " << c.width
                << (doubled ? ", doubled" : "") << ": relative difference " << difference << '\n';
      EXPECT_LE(difference, GetParam().second);
      const torch::Tensor residual = drawn(found.sizes());
      const torch::Tensor sum = winograd_conv2d(x, kernel, bias, doubled, residual);
      EXPECT_LE(((wide(sum) - expected - wide(residual)).norm() / expected.norm()).item<double>(),
                GetParam().second);
    }
}

TEST_P(Winograd, IsTheSameInAnyBatchWithAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  const torch::Tensor x = drawn({5, 64, 10, 12}), weight = drawn({96, 64, 3, 3}), bias = drawn({96});
  for (const bool doubled : {false, true}) {
    const torch::Tensor kernel = winograd_kernel(weight, doubled);
    at::set_num_threads(1);
    const torch::Tensor alone = winograd_conv2d(x.narrow(0, 3, 1), kernel, bias, doubled);
    for (const int some : {1, 2, 3, 8}) {
      at::set_num_threads(some);
      const torch::Tensor together = winograd_conv2d(x, kernel, bias, doubled);
      EXPECT_TRUE(at::equal(together.narrow(0, 3, 1), alone)) << some << " threads";
    }
  }
  at::set_num_threads(threads);
}

// Of few tiles threads take channels, of many they take tiles; the kernel holds its taps.
TEST_P(Winograd, IsTheSameForFewTilesAndForMany) {
  const torch::Tensor x = drawn({12, 520, 10, 12}), weight = drawn({600, 520, 3, 3}), bias = drawn({600});
  for (const bool doubled : {false, true}) {
    const torch::Tensor kernel = winograd_kernel(weight, doubled);
    ASSERT_EQ(kernel.dim(), 3);
    const torch::Tensor together = winograd_conv2d(x, kernel, bias, doubled);  // 360 tiles, or 1440
    for (const int64_t images : {1, 2})
      EXPECT_TRUE(at::equal(winograd_conv2d(x.narrow(0, 0, images), kernel, bias, doubled),
                            together.narrow(0, 0, images)))
          << images << " images";
  }
}

// Few channels are rounded by whole numbers, more by an instruction where the processor has it.
TEST(WinogradKernels, RoundToTheNearest) {
  torch::manual_seed(0);
  const torch::Tensor g =
      torch::tensor({1.0, 0.0, 0.0, 0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0.0, 0.0, 1.0}).view({4, 3});
  for (const int64_t channels : {8, 40}) {
    const torch::Tensor taps = torch::randn({9, channels}).to(torch::kBFloat16);
    const torch::Tensor points = at::empty({16, channels}, torch::kBFloat16);
    taps_to_points(static_cast<const Bfloat16Bits*>(taps.const_data_ptr()), 4, channels, channels,
                   static_cast<Bfloat16Bits*>(points.mutable_data_ptr()));
    const torch::Tensor expected =
        at::einsum("ia,abc,jb->ijc", {g.to(torch::kFloat64), taps.to(torch::kFloat64).view({3, 3, channels}),
                                      g.to(torch::kFloat64)})
            .reshape({16, channels});
    // Half a step of bfloat16, and what float32 adds to it.
    const torch::Tensor error =
        (points.to(torch::kFloat64) - expected).abs() / expected.abs().clamp_min(1e-3);
    EXPECT_LE(error.max().item<double>(), 1.01 / 256) << channels << " channels";
  }
}

TEST(WinogradKernels, AddResidualsBeforeTheyRound) {
  torch::manual_seed(0);
  const torch::Tensor a =
      torch::tensor({1.0, 1.0, 1.0, 0.0, 0.0, 1.0, -1.0, -1.0}, torch::kFloat64).view({2, 4});
  for (const int64_t channels : {8, 40}) {
    const torch::Tensor products = torch::randn({16, channels}), bias = torch::randn({channels}),
                        residual = torch::randn({4, channels}).to(torch::kBFloat16),
                        found = at::empty_like(residual);
    const Bfloat16Bits* residuals[4];
    Bfloat16Bits* results[4];
    for (int64_t i = 0; i < 4; ++i) {
      residuals[i] = static_cast<const Bfloat16Bits*>(residual.const_data_ptr()) + i * channels;
      results[i] = static_cast<Bfloat16Bits*>(found.mutable_data_ptr()) + i * channels;
    }
    from_points(products.const_data_ptr<float>(), bias.const_data_ptr<float>(), 4, channels, channels,
                residuals, results);
    const auto wide = [](const torch::Tensor& t) { return t.to(torch::kFloat64); };
    const torch::Tensor convolved =
        at::einsum("ia,abc,jb->ijc", {a, wide(products).view({4, 4, channels}), a}).reshape({4, channels});
    const torch::Tensor expected = convolved + wide(bias) + wide(residual);
    // Half a step of bfloat16, and what float32 adds to it.
    EXPECT_TRUE(at::allclose(wide(found), expected, 1.01 / 256, 1e-5)) << channels << " channels";
  }
}

// A layer whose channels suit it takes it, both ways.
TEST_P(Winograd, ServesPackedLayers) {
  Conv2d layer(256, 256, 3, 1, 1);
  layer->both_ways = true;
  layer->reset_parameters();
  layer->to(dtype());
  const torch::Tensor x = drawn({1, 256, 6, 6});
  const torch::Tensor plain = layer(x), doubled = layer->forward_doubled(x);
  pack_weights(*layer);
  ASSERT_TRUE(layer->winograd);
  const auto difference = [](const torch::Tensor& a, const torch::Tensor& b) {
    return ((a - b).norm() / b.norm()).item<double>();
  };
  EXPECT_LE(difference(layer(x), plain), GetParam().second);
  EXPECT_LE(difference(layer->forward_doubled(x), doubled), GetParam().second);
}

// bfloat16 rounds the points of image and kernel, and the sums that make results of them raise the variance
// of that to 3 times its share: √(1 + 2·3) of the result's own rounding, 0.0017.
INSTANTIATE_TEST_SUITE_P(Dtypes, Winograd,
                         testing::Values(std::pair{torch::kFloat32, 2e-6},
                                         std::pair{torch::kBFloat16, 5e-3}));

TEST(Winograd, LeavesOtherConvolutionsAlone) {
  const auto suits = [](at::IntArrayRef kernel) { return suits_winograd(torch::empty(kernel)); };
  EXPECT_FALSE(suits({64, 64, 1, 1}));
  EXPECT_FALSE(suits({3, 64, 3, 3}));
  EXPECT_FALSE(suits({64, 3, 3, 3}));
  EXPECT_FALSE(suits({64, 49, 3, 3}));  // bfloat16's products take pairs
  EXPECT_FALSE(suits_winograd(torch::empty({64, 64, 3, 3}, torch::kHalf)));
  Conv2d strided(64, 64, 3, 2, 1), unpadded(64, 64, 3);
  for (Conv2d layer : {strided, unpadded}) {
    pack_weights(*layer);
    EXPECT_FALSE(layer->winograd);
  }
}

TEST(Exponential, IsAsExactAsItSays) {
  double near = 0, far = 0;
  for (double x = -87; x < 88; x += 1e-3) {
    const double exact = std::exp(static_cast<double>(static_cast<float>(x)));
    const double error = std::abs(exponential(static_cast<float>(x)) - exact) / exact;
    far = std::max(far, error);
    if (std::abs(x) < 16) near = std::max(near, error);
  }
  EXPECT_LE(near, 1.1e-6);
  EXPECT_LE(far, 4e-6);
  EXPECT_EQ(exponential(0), 1);
  EXPECT_EQ(exponential(-1e30F), exponential(-87));
  EXPECT_EQ(exponential(1e30F), exponential(88));
}

// Our own loops run on all threads only where OpenMP is on in the file that calls them.
TEST(OurLoops, RunOnAllThreads) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  std::mutex mutex;
  std::set<std::thread::id> seen;
  at::parallel_for(0, 2, 1, [&](int64_t, int64_t) {
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  at::set_num_threads(threads);
  EXPECT_EQ(seen.size(), 2);
}

}  // namespace
}  // namespace unclip
