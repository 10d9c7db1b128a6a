#include "verbs/bench.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "nn/layers.h"
#include "nn/packing.h"
#include "verbs/flop_count.h"

namespace unclip {
namespace {

template <class Work>
int64_t counted(Work work) {
  const torch::InferenceMode inference;
  const FlopCount counting;
  work();
  return FlopCount::operations();
}

TEST(FlopCount, CountsProductsAndConvolutions) {
  const auto random = [](at::IntArrayRef shape) { return torch::randn(shape); };
  EXPECT_EQ(counted([&] { at::mm(random({3, 5}), random({5, 7})); }), 2 * 3 * 5 * 7);
  EXPECT_EQ(counted([&] { at::linear(random({2, 3, 5}), random({7, 5}), random({7})); }), 2 * 6 * 5 * 7);
  EXPECT_EQ(counted([&] { at::bmm(random({4, 3, 5}), random({4, 5, 7})); }), 2 * 4 * 3 * 5 * 7);
  EXPECT_EQ(counted([&] {
              at::conv2d(random({2, 8, 10, 12}), random({6, 8, 3, 3}), {}, 2, 1);
            }),
            2 * 2 * (5 * 6) * 6 * 8 * 9);
  EXPECT_EQ(counted([&] { at::silu(random({100})); }), 0);
  // Scores of 9 by 11 for each of 2·4 heads of width 8, and as many sums of values.
  EXPECT_EQ(
      counted([&] {
        at::scaled_dot_product_attention(random({2, 4, 9, 8}), random({2, 4, 11, 8}), random({2, 4, 11, 8}));
      }),
      2 * 2 * (2 * 4) * 9 * 11 * 8);
}

TEST(FlopCount, CountsPackedLayers) {
  struct Layers : torch::nn::Module {
    Layers() : linear(5, 7), conv(8, 6, 3, 2, 1) {
      register_module("linear", linear);
      register_module("conv", conv);
      linear->reset_parameters();
      conv->reset_parameters();
    }
    Linear linear;
    Conv2d conv;
  } layers;
  pack_weights(layers);
  const auto run = [&] {
    layers.linear(torch::randn({2, 3, 5}));
    layers.conv(torch::randn({2, 8, 10, 12}).contiguous(torch::MemoryFormat::ChannelsLast));
  };
  EXPECT_EQ(counted(run), 2 * 6 * 5 * 7 + 2 * 2 * (5 * 6) * 6 * 8 * 9);
}

// What Winograd saves is not taken off: a layer is counted as the convolution that it stands for.
TEST(FlopCount, CountsConvolutionsByWinograd) {
  Conv2d layer(48, 64, 3, 1, 1);
  layer->both_ways = true;
  layer->reset_parameters();
  pack_weights(*layer);
  const torch::Tensor x = torch::randn({2, 48, 10, 12}).contiguous(torch::MemoryFormat::ChannelsLast);
  const int64_t flops = 2 * 2 * (10 * 12) * 9 * 48 * 64;
  EXPECT_EQ(counted([&] { layer(x); }), flops);
  if (layer->winograd) {
    EXPECT_EQ(counted([&] { layer->forward_doubled(x); }), 4 * flops);
  }
}

// The parts of the batch are computed on two threads.
TEST(Bench, ReportsEachStage) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  BenchOptions options;
  options.model = std::string(UNCLIP_TEST_DATA) + "/karlo-tiny";
  options.image.prompt = "a red circle";
  options.image.steps = {3, 4, 2};
  options.batch_size = 2;
  options.runs = 2;
  options.device.kind = DeviceChoice::Kind::cpu;
  options.dtype = DtypeChoice::f32;
  options.quiet = true;
  std::ostringstream table;
  EXPECT_EQ(bench(options, table), 0);
  EXPECT_NE(table.str().find("batch size 2"), std::string::npos) << table.str();
  EXPECT_NE(table.str().find("\nupsampler "), std::string::npos) << table.str();

  options.json = true;
  std::ostringstream out;
  EXPECT_EQ(bench(options, out), 0);
  const auto report = nlohmann::json::parse(out.str());
  EXPECT_EQ(report["batch_size"], 2);
  EXPECT_EQ(report["dtype"], "f32");
  EXPECT_GT(report["peak_memory"], 1 << 20);
  EXPECT_GT(report["peak_tflops"]["convolution"], 0);
  const std::map<std::string, int> steps{{"prior", 3}, {"decoder", 4}, {"upsampler", 2}};
  double seconds = 0;
  for (const auto& [stage, count] : steps) {
    const auto& found = report["stages"][stage];
    EXPECT_EQ(found["steps"], count) << stage;
    EXPECT_GT(found["step_tflop"], 0) << stage;
    EXPECT_NEAR(found["tflops"].get<double>(),
                found["step_tflop"].get<double>() / found["step_seconds"].get<double>(), 1e-9)
        << stage;
    seconds += count * found["step_seconds"].get<double>();
  }
  EXPECT_LT(seconds, 3 * 2 * report["image_seconds"].get<double>());  // nothing is counted twice
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace unclip
