// Kandinsky's UNets against the reference's, on the goldens of scripts/golden/kandinsky.py.
#include "decoder/image_conditioning.h"

#include <gtest/gtest.h>

#include "decoder/unet_2d_condition.h"
#include "golden_on_device.h"
#include "refusal.h"

namespace unclip {
namespace {

torch::Tensor draw_conditioned(UNet2DConditionModel& net, const Tensors& inputs) {
  const auto told = net->condition(inputs.at("image_embeds"), find(inputs, "text_embeds"),
                                   find(inputs, "text_sequence"), find(inputs, "hint"));
  return net->predict(inputs.at("sample"), inputs.at("timestep"), told);
}

class KandinskyDecoder : public testing::TestWithParam<std::string> {};

TEST_P(KandinskyDecoder, EqualsTheReference) {
  expect_golden<UNet2DConditionModel, UNet2DConditionConfig>("../kandinsky/" + GetParam() + "/unet",
                                                             draw_conditioned);
}

class KandinskyDecoderOnDevice : public OnDevice {};

TEST_P(KandinskyDecoderOnDevice, EqualsTheReference) {
  for (const std::string name : {"2.1", "2.1-inpaint", "2.2", "2.2-inpaint", "2.2-controlnet"})
    expect_unet_on<UNet2DConditionModel, UNet2DConditionConfig>(device(), "../kandinsky/" + name + "/unet",
                                                                draw_conditioned, /*trains=*/false);
}

UNCLIP_ON_DEVICES(KandinskyDecoderOnDevice);

INSTANTIATE_TEST_SUITE_P(Goldens, KandinskyDecoder,
                         testing::Values("2.1", "2.1-inpaint", "2.2", "2.2-inpaint", "2.2-controlnet"));

TEST(ImageConditioning, RefusesPairsThatAreNotBuilt) {
  const nlohmann::json half = {{"encoder_hid_dim_type", "image_proj"}, {"encoder_hid_dim", 8}};
  expect_refusal(ExitCode::model, "\"encoder_hid_dim_type\" is \"image_proj\", expected",
                 [&] { ImageConditioningConfig::from(Config(half, "unet/config.json"), 8); });
  expect_refusal(ExitCode::model, "key \"encoder_hid_dim\" is missing", [] {
    const nlohmann::json values = {{"encoder_hid_dim_type", "image_proj"}, {"addition_embed_type", "image"}};
    ImageConditioningConfig::from(Config(values, "unet/config.json"), 8);
  });
}

}  // namespace
}  // namespace unclip
