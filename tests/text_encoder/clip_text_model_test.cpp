// CLIP's text tower against the reference's, on the goldens of scripts/golden/transformers.py.
#include "text_encoder/clip_text_model.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "golden_on_device.h"

namespace unclip {
namespace {

template <class Net>
Tensors encode(Net& net, const Tensors& inputs) {
  const TextFeatures features = net(inputs.at("ids"), find(inputs, "mask"));
  return {{"pooled", features.pooled}, {"sequence", features.sequence}};
}

class TextEncoder : public testing::TestWithParam<std::string> {};

TEST_P(TextEncoder, EqualsTheReference) {
  expect_transformer_golden<CLIPTextModelWithProjection, CLIPTextConfig>(GetParam(),
                                                                         encode<CLIPTextModelWithProjection>);
}

TEST_P(TextEncoder, GivesEveryParameterAGradient) {
  expect_transformer_gradients<CLIPTextModelWithProjection, CLIPTextConfig>(
      GetParam(), encode<CLIPTextModelWithProjection>);
}

INSTANTIATE_TEST_SUITE_P(Goldens, TextEncoder, testing::Values("clip-text", "clip-text-gelu"));

// Stable Diffusion's towers: the first file has its keys as transformers 5 writes them, the other as its
// older versions did.
class TextEncoderAlone : public testing::TestWithParam<std::string> {};

TEST_P(TextEncoderAlone, EqualsTheReference) {
  expect_transformer_golden<CLIPTextModel, CLIPTextConfig>(GetParam(), encode<CLIPTextModel>);
}

TEST_P(TextEncoderAlone, GivesEveryParameterAGradient) {
  expect_transformer_gradients<CLIPTextModel, CLIPTextConfig>(GetParam(), encode<CLIPTextModel>);
}

INSTANTIATE_TEST_SUITE_P(Goldens, TextEncoderAlone,
                         testing::Values("clip-text-stable-1", "clip-text-stable-2"));

class TextEncoderOnDevice : public OnDevice {};

TEST_P(TextEncoderOnDevice, EqualsTheReference) {
  for (const char* name : {"clip-text", "clip-text-gelu"})
    expect_transformer_on<CLIPTextModelWithProjection, CLIPTextConfig>(device(), name,
                                                                       encode<CLIPTextModelWithProjection>);
  for (const char* name : {"clip-text-stable-1", "clip-text-stable-2"})
    expect_transformer_on<CLIPTextModel, CLIPTextConfig>(device(), name, encode<CLIPTextModel>);
}

UNCLIP_ON_DEVICES(TextEncoderOnDevice);

TEST(TextEncoder, IgnoresAMaskOfOnes) {
  torch::NoGradGuard no_grad;
  auto net = load_transformer<CLIPTextModelWithProjection, CLIPTextConfig>("clip-text", torch::kFloat32);
  Tensors inputs = transformer_inputs("clip-text", torch::kFloat32);
  const torch::Tensor expected = encode(net, inputs).at("sequence");
  inputs["mask"] = torch::ones_like(inputs.at("ids"));
  EXPECT_TRUE(torch::equal(encode(net, inputs).at("sequence"), expected));
}

TEST(TextEncoderConfig, HasTheReferencesDefaults) {
  const CLIPTextConfig config = CLIPTextConfig::from(Config(nlohmann::json::object(), "config.json"));
  EXPECT_EQ(config.encoder.hidden_size, 512);
  EXPECT_EQ(config.encoder.intermediate_size, 2048);
  EXPECT_EQ(config.encoder.num_attention_heads, 8);
  EXPECT_EQ(config.encoder.activation, ClipActivation::quick_gelu);
  EXPECT_EQ(config.vocab_size, 49408);
  EXPECT_EQ(config.eos_token_id, 49407);
}

}  // namespace
}  // namespace unclip
