// The upsampler's net against the reference's, on the goldens of scripts/golden/unets.py.
#include "upsampler/unet_2d.h"

#include <gtest/gtest.h>

#include "golden_on_device.h"

namespace unclip {
namespace {

torch::Tensor draw(UNet2DModel& net, const Tensors& inputs) {
  return net(inputs.at("sample"), inputs.at("timestep"), find(inputs, "class_labels"));
}

class Upsampler : public testing::TestWithParam<std::string> {};

TEST_P(Upsampler, EqualsTheReference) { expect_golden<UNet2DModel, UNet2DConfig>(GetParam(), draw); }

TEST_P(Upsampler, GivesEveryParameterAGradient) {
  expect_gradients<UNet2DModel, UNet2DConfig>(GetParam(), draw);
}

INSTANTIATE_TEST_SUITE_P(Goldens, Upsampler, testing::Values("unet-upsampler", "unet-upsampler-attention"));

class UpsamplerOnDevice : public OnDevice {};

TEST_P(UpsamplerOnDevice, EqualsTheReference) {
  for (const char* name : {"unet-upsampler", "unet-upsampler-attention"})
    expect_unet_on<UNet2DModel, UNet2DConfig>(device(), name, draw);
}

UNCLIP_ON_DEVICES(UpsamplerOnDevice);

TEST(UpsamplerConfig, HasTheReferencesDefaults) {
  const UNet2DConfig config = UNet2DConfig::from(Config(nlohmann::json::object(), "config.json"));
  EXPECT_EQ(config.block_out_channels, (std::vector<int64_t>{224, 448, 672, 896}));
  EXPECT_EQ(config.mid_attention, BlockAttention::self);
  EXPECT_EQ(config.mid_attention_groups, 32);
  EXPECT_EQ(config.temb_channels(), 896);
}

TEST(UpsamplerConfig, ReadsAnExplicitNullHeadWidthAsOneHead) {
  const Config config({{"attention_head_dim", nullptr}}, "config.json");
  EXPECT_EQ(UNet2DConfig::from(config).attention_head_dim.front(), 0);
}

}  // namespace
}  // namespace unclip
