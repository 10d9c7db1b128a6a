// The autoencoder against the reference's, on the goldens of scripts/golden/kandinsky.py.
#include "autoencoder/vq_model.h"

#include <gtest/gtest.h>

#include "golden_on_device.h"
#include "refusal.h"

namespace unclip {
namespace {

class Autoencoder : public testing::TestWithParam<std::string> {};

TEST_P(Autoencoder, EqualsTheReference) {
  for (const auto format : {torch::MemoryFormat::ChannelsLast, torch::MemoryFormat::Contiguous})
    expect_transformer_golden<VQModel, VQConfig>(GetParam(), [&](VQModel& net, const Tensors& inputs) {
      const torch::Tensor image = net->decode(inputs.at("latents").contiguous(format));
      EXPECT_TRUE(format == torch::MemoryFormat::Contiguous || image.is_contiguous(format));
      return Tensors{{"latents", net->encode(inputs.at("picture").contiguous(format))}, {"picture", image}};
    });
}

class AutoencoderOnDevice : public OnDevice {};

TEST_P(AutoencoderOnDevice, EqualsTheReference) {
  for (const char* name : {"../kandinsky/2.1/movq", "../kandinsky/2.2-controlnet/movq"})
    expect_transformer_on<VQModel, VQConfig>(
        device(), name,
        [](VQModel& net, const Tensors& inputs) {
          constexpr auto kFormat = torch::MemoryFormat::ChannelsLast;
          return Tensors{{"latents", net->encode(inputs.at("picture").contiguous(kFormat))},
                         {"picture", net->decode(inputs.at("latents").contiguous(kFormat))}};
        },
        /*trains=*/false);
}

UNCLIP_ON_DEVICES(AutoencoderOnDevice);

// With spatial norms and with plain ones.
INSTANTIATE_TEST_SUITE_P(Goldens, Autoencoder,
                         testing::Values("../kandinsky/2.1/movq", "../kandinsky/2.2-controlnet/movq"));

TEST(AutoencoderConfig, RefusesWhatIsNotBuilt) {
  const auto read = [](const nlohmann::json& values) { VQConfig::from(Config(values, "movq/config.json")); };
  expect_refusal(ExitCode::model, "block type \"X\" is not supported, expected DownEncoderBlock2D or", [&] {
    read({{"down_block_types", {"X"}}});
  });
  expect_refusal(ExitCode::model, "\"up_block_types\" has 2 entries", [&] {
    read({{"up_block_types", {"UpDecoderBlock2D", "UpDecoderBlock2D"}}});
  });
  expect_refusal(ExitCode::model, "\"norm_type\" is \"layer\"", [&] { read({{"norm_type", "layer"}}); });
  expect_refusal(ExitCode::model, "\"block_out_channels\" holds 48, expected multiples of 32", [&] {
    read({{"block_out_channels", {48}}, {"norm_type", "spatial"}, {"norm_num_groups", 16}});
  });
}

}  // namespace
}  // namespace unclip
