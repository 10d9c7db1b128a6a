// Kandinsky 2.1's text encoder against the reference's, on the goldens of scripts/golden/kandinsky.py.
#include "text_encoder/multilingual_clip.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "golden_on_device.h"
#include "refusal.h"

namespace unclip {
namespace {

constexpr const char* kGolden = "../kandinsky/2.1/text_encoder";

Tensors encode_masked(MultilingualCLIP& net, const Tensors& inputs) {
  const TextFeatures features = net(inputs.at("ids"), inputs.at("mask"));
  return {{"pooled", features.pooled}, {"sequence", features.sequence}};
}

TEST(MultilingualClip, EqualsTheReference) {
  expect_transformer_golden<MultilingualCLIP, MultilingualCLIPConfig>(kGolden, encode_masked);
}

class MultilingualClipOnDevice : public OnDevice {};

TEST_P(MultilingualClipOnDevice, EqualsTheReference) {
  expect_transformer_on<MultilingualCLIP, MultilingualCLIPConfig>(device(), kGolden, encode_masked);
}

UNCLIP_ON_DEVICES(MultilingualClipOnDevice);

TEST(MultilingualClip, PoolsTheTokensAndNotThePadding) {
  torch::NoGradGuard no_grad;
  auto net = load_transformer<MultilingualCLIP, MultilingualCLIPConfig>(kGolden, torch::kFloat32);
  const torch::Tensor ids = torch::tensor({{0, 3, 2}}), mask = torch::ones({1, 3}, torch::kInt64);
  const torch::Tensor padded = torch::tensor({{0, 3, 2, 1, 1}}),
                      padded_mask = torch::tensor({{1, 1, 1, 0, 0}});
  EXPECT_LE((net(ids, mask).pooled - net(padded, padded_mask).pooled).abs().max().item<double>(), 1e-5);
}

TEST(MultilingualClipConfig, ReadsBothSpellings) {
  const auto read = [](const nlohmann::json& values) {
    return MultilingualCLIPConfig::from(Config(values, "config.json"));
  };
  EXPECT_EQ(read({{"hidden_size", 1024}, {"num_attention_heads", 16}, {"imageDimSize", 5}}).projection_dim,
            5);
  EXPECT_EQ(read({{"hidden_size", 60}, {"transformerDimensions", 60}, {"numDims", 6}}).projection_dim, 6);
  expect_refusal(ExitCode::model, "\"transformerDimensions\" is 1024, expected \"hidden_size\", 768",
                 [&] { read(nlohmann::json::object()); });
  expect_refusal(ExitCode::model, "\"hidden_act\" is \"relu\"", [&] {
    read({{"hidden_size", 1024}, {"hidden_act", "relu"}});
  });
}

}  // namespace
}  // namespace unclip
