// CLIP's vision tower against the reference's, on the goldens of scripts/golden/transformers.py.
#include "image_encoder/clip_vision_model.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "golden_on_device.h"
#include "refusal.h"

namespace unclip {
namespace {

Tensors look(CLIPVisionModelWithProjection& net, const Tensors& inputs) {
  return {{"embedding", net(inputs.at("pixels"))}};
}

class ImageEncoder : public testing::TestWithParam<std::string> {};

TEST_P(ImageEncoder, EqualsTheReference) {
  expect_transformer_golden<CLIPVisionModelWithProjection, CLIPVisionConfig>(GetParam(), look);
}

TEST_P(ImageEncoder, GivesEveryParameterAGradient) {
  expect_transformer_gradients<CLIPVisionModelWithProjection, CLIPVisionConfig>(GetParam(), look);
}

INSTANTIATE_TEST_SUITE_P(Goldens, ImageEncoder, testing::Values("clip-vision", "clip-vision-gelu"));

class ImageEncoderOnDevice : public OnDevice {};

TEST_P(ImageEncoderOnDevice, EqualsTheReference) {
  for (const char* name : {"clip-vision", "clip-vision-gelu"})
    expect_transformer_on<CLIPVisionModelWithProjection, CLIPVisionConfig>(device(), name, look);
}

UNCLIP_ON_DEVICES(ImageEncoderOnDevice);

TEST(ImageEncoder, TakesImagesInAnyMemoryFormatAndFloatingType) {
  torch::NoGradGuard no_grad;
  auto net =
      load_transformer<CLIPVisionModelWithProjection, CLIPVisionConfig>("clip-vision", torch::kFloat32);
  const torch::Tensor pixels = transformer_inputs("clip-vision", torch::kFloat32).at("pixels");
  const torch::Tensor expected = net(pixels);
  const torch::Tensor got = net(pixels.to(torch::kFloat64).contiguous(torch::MemoryFormat::ChannelsLast));
  EXPECT_EQ(got.scalar_type(), torch::kFloat32);
  EXPECT_LE((got - expected).abs().max().item<double>(), 1e-5);
}

TEST(ImageEncoderConfig, HasTheReferencesDefaults) {
  const CLIPVisionConfig config = CLIPVisionConfig::from(Config(nlohmann::json::object(), "config.json"));
  EXPECT_EQ(config.encoder.hidden_size, 768);
  EXPECT_EQ(config.encoder.intermediate_size, 3072);
  EXPECT_EQ(config.encoder.num_attention_heads, 12);
  EXPECT_EQ(config.image_size, 224);
  EXPECT_EQ(config.patch_size, 32);
}

TEST(ImageEncoderConfig, RefusesWhatIsNotBuilt) {
  for (const auto& [key, value] : std::map<std::string, nlohmann::json>{
           {"hidden_act", "gelu_new"}, {"num_attention_heads", 5}, {"patch_size", 0}})
    expect_refusal(ExitCode::model, "image_encoder/config.json: \"" + key, [&] {
      CLIPVisionConfig::from(Config({{key, value}}, "image_encoder/config.json"));
    });
}

}  // namespace
}  // namespace unclip
