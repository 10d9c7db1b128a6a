// Group norm on devices against the CPU's, of the same numbers.
#include "on_device.h"

#include <torch/types.h>
#include <torch/utils.h>

#include "nn/fused_group_norm.h"

namespace unclip {
namespace {

struct Shape {
  std::vector<int64_t> sizes;
  int64_t groups;
};

// Channels that fill no 16 bytes, groups of one channel, more channels than a block has threads for, one
// position, positions that fill no stretch.
const Shape kShapes[] = {{{2, 32, 8, 8}, 8},  {{3, 15, 5, 7}, 5},     {{1, 12, 4, 4}, 12},
                         {{2, 4, 1, 1}, 2},   {{2, 320, 33, 17}, 32}, {{1, 2560, 8, 8}, 32},
                         {{1, 8, 96, 96}, 1}, {{1, 300, 3, 3}, 3},    {{2, 12, 9}, 3}};

using GroupNormOnDevice = OnDevice;

TEST_P(GroupNormOnDevice, IsTheCpus) {
  const torch::InferenceMode inference;
  torch::manual_seed(0);
  for (const torch::Dtype dtype : {torch::kFloat32, torch::kBFloat16, torch::kHalf}) {
    for (const Shape& shape : kShapes) {
      for (const bool full : {false, true}) {
        const auto random = [&](at::IntArrayRef sizes) { return torch::randn(sizes).to(dtype); };
        torch::Tensor x = (3 * torch::randn(shape.sizes) + 20).to(dtype);
        if (x.dim() == 4) x = x.contiguous(torch::MemoryFormat::ChannelsLast);
        std::vector<int64_t> each{x.size(0), x.size(1)};
        each.resize(static_cast<size_t>(x.dim()), 1);
        const torch::Tensor weight = random({x.size(1)}), bias = random({x.size(1)});
        const torch::Tensor scale = full ? random(each) : torch::Tensor(),
                            shift = full ? random(each) : torch::Tensor();
        const auto there = [this](const torch::Tensor& t) { return t.defined() ? t.to(device()) : t; };
        const torch::Tensor found = group_norm_on_device(there(x), shape.groups, there(weight), there(bias),
                                                         1e-5, there(scale), there(shift), full);
        const torch::Tensor expected =
            fused_group_norm(x, shape.groups, weight, bias, 1e-5, scale, shift, full).to(torch::kFloat32);
        const torch::Tensor own = found.to(torch::kCPU).to(torch::kFloat32);
        const double largest = expected.abs().max().item<double>();
        const double difference = (own - expected).abs().max().item<double>() / largest;
        std::cout << c10::toString(dtype) << ' ' << x.sizes() << ": largest relative difference "
                  << difference << '\n';
        EXPECT_LE(difference, dtype == torch::kFloat32 ? 2e-5 : dtype == torch::kHalf ? 2e-3 : 1.6e-2);
        EXPECT_EQ(found.dtype(), x.dtype());
        EXPECT_EQ(found.sizes(), x.sizes());
        EXPECT_TRUE(x.dim() != 4 || found.is_contiguous(torch::MemoryFormat::ChannelsLast)) << x.sizes();
      }
    }
  }
}

UNCLIP_ON_DEVICES(GroupNormOnDevice);

}  // namespace
}  // namespace unclip
