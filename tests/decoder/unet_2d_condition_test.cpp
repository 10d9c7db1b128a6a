// The decoder's net against the reference's, on the goldens of scripts/golden/unets.py.
#include "decoder/unet_2d_condition.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "golden_on_device.h"

namespace unclip {
namespace {

torch::Tensor draw(UNet2DConditionModel& net, const Tensors& inputs) {
  return net(inputs.at("sample"), inputs.at("timestep"), inputs.at("encoder_hidden_states"),
             find(inputs, "class_labels"), find(inputs, "attention_mask"));
}

class Decoder : public testing::TestWithParam<std::string> {};

TEST_P(Decoder, EqualsTheReference) {
  expect_golden<UNet2DConditionModel, UNet2DConditionConfig>(GetParam(), draw);
}

TEST_P(Decoder, GivesEveryParameterAGradient) {
  expect_gradients<UNet2DConditionModel, UNet2DConditionConfig>(GetParam(), draw);
}

const std::string kNets[] = {"unet-decoder",      "unet-decoder-plain",    "unet-decoder-lists",
                             "unet-stable-1",     "unet-stable-1-inpaint", "unet-stable-2",
                             "unet-stable-unclip"};
INSTANTIATE_TEST_SUITE_P(Goldens, Decoder, testing::ValuesIn(kNets));

class DecoderOnDevice : public OnDevice {};

TEST_P(DecoderOnDevice, EqualsTheReference) {
  for (const std::string& name : kNets)
    expect_unet_on<UNet2DConditionModel, UNet2DConditionConfig>(device(), name, draw);
}

UNCLIP_ON_DEVICES(DecoderOnDevice);

TEST(Decoder, TakesOneTimestepForTheWholeBatch) {
  torch::NoGradGuard no_grad;
  auto net = load_golden_net<UNet2DConditionModel, UNet2DConditionConfig>("unet-decoder");
  Tensors inputs = golden_inputs("unet-decoder", torch::kFloat32, torch::MemoryFormat::ChannelsLast);
  inputs["timestep"] = torch::tensor({500, 500});
  const torch::Tensor expected = draw(net, inputs);
  inputs["timestep"] = torch::tensor(500);
  EXPECT_TRUE(torch::equal(draw(net, inputs), expected));
}

// The first of two rows alone, without its mask: all its tokens count, so nothing may change.
TEST(Decoder, IgnoresAMaskOfOnes) {
  torch::NoGradGuard no_grad;
  auto net = load_golden_net<UNet2DConditionModel, UNet2DConditionConfig>("unet-decoder");
  Tensors inputs = golden_inputs("unet-decoder", torch::kFloat32, torch::MemoryFormat::ChannelsLast);
  const torch::Tensor expected = draw(net, inputs).narrow(0, 0, 1);
  for (auto& [name, value] : inputs) value = value.narrow(0, 0, 1);
  inputs.erase("attention_mask");
  EXPECT_LE((draw(net, inputs) - expected).abs().max().item<double>(), 1e-5);
}

std::string refusal(const nlohmann::json& changes) {
  auto values = Config::read(golden_folder("unet-decoder") / "config.json").values();
  values.update(changes);
  try {
    UNet2DConditionConfig::from(Config(values, "decoder/config.json"));
  } catch (const Error& e) {
    EXPECT_EQ(e.code, ExitCode::model);
    return e.what();
  }
  return "accepted";
}

TEST(DecoderConfig, RefusesWhatIsNotBuilt) {
  for (const auto& [key, value] :
       std::map<std::string, nlohmann::json>{{"addition_embed_type", "image"},
                                             {"encoder_hid_dim_type", "image_proj"},
                                             {"class_embed_type", "simple_projection"},
                                             {"mid_block_type", "UNetMidBlock3D"},
                                             {"reverse_transformer_layers_per_block", {{1}}},
                                             {"act_fn", "mish"},
                                             {"resnet_time_scale_shift", "ada_group"},
                                             {"attention_head_dim", {8, 8}},
                                             {"norm_num_groups", 3}}) {
    const std::string message = refusal({{key, value}});
    EXPECT_NE(message.find("decoder/config.json"), std::string::npos) << message;
    EXPECT_NE(message.find(key), std::string::npos) << message;
  }
  const std::string message = refusal({{"down_block_types", {"DownBlock2D", "KDownBlock2D", "DownBlock2D"}}});
  EXPECT_NE(message.find("\"KDownBlock2D\" is not supported"), std::string::npos) << message;
  EXPECT_NE(refusal({{"mid_block_type", "UNetMidBlock2DCrossAttn"}, {"attention_head_dim", 3}})
                .find("\"attention_head_dim\" asks for 3 heads, expected a divisor of the 16 channels"),
            std::string::npos);
  EXPECT_NE(refusal({{"mid_block_type", "UNetMidBlock2DCrossAttn"}, {"transformer_layers_per_block", {1, 2}}})
                .find("\"transformer_layers_per_block\" has 2 entries"),
            std::string::npos);
}

}  // namespace
}  // namespace unclip
