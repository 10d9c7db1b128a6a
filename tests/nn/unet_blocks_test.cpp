// The parts of a UNet whose corner cases the whole nets' goldens do not reach.
#include "nn/unet_blocks.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "unclip/error.h"

namespace unclip {
namespace {

TEST(Resample, HalvesAndDoublesInChannelsLast) {
  const auto x = torch::arange(18.0).reshape({1, 2, 3, 3}).contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor half = average_pool_half(x), doubled = upsample_nearest(half, 2, 2);
  EXPECT_TRUE(torch::equal(half, torch::tensor({2.0, 11.0}).reshape({1, 2, 1, 1})));
  EXPECT_TRUE(torch::equal(doubled, half.expand({1, 2, 2, 2})));
  EXPECT_TRUE(upsample_nearest(x, 6, 6).is_contiguous(torch::MemoryFormat::ChannelsLast));
}

TEST(NormAct, ScalesAndShiftsInBothPaths) {
  torch::manual_seed(0);
  GroupNorm norm(2, 8);
  norm->reset_parameters();
  const auto x = torch::randn({2, 8, 5, 3}).contiguous(torch::MemoryFormat::ChannelsLast);
  const torch::Tensor scale = torch::randn({2, 8, 1, 1}), shift = torch::randn({2, 8, 1, 1});
  const torch::Tensor expected = at::silu(at::group_norm(x, 2) * (1 + scale) + shift);
  const torch::Tensor inference = norm_act(norm, x, scale, shift);
  const torch::Tensor training = norm_act(norm, x.clone().requires_grad_(), scale, shift);
  EXPECT_LE((inference - expected).abs().max().item<double>(), 1e-6);
  EXPECT_LE((training - expected).abs().max().item<double>(), 1e-6);
  EXPECT_TRUE(inference.is_contiguous(torch::MemoryFormat::ChannelsLast));
}

TEST(BlockKinds, NameWhatIsNotBuilt) {
  EXPECT_EQ(up_block_kinds({"SimpleCrossAttnUpBlock2D"}, "")[0].attention, BlockAttention::added_kv);
  try {
    up_block_kinds({"UpBlock2D", "DownBlock2D"}, "unet/config.json");
    FAIL() << "a down block was taken on the way up";
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()).rfind("unet/config.json: block type \"DownBlock2D\"", 0), 0) << e.what();
  }
}

}  // namespace
}  // namespace unclip
