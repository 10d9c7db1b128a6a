// Stable Diffusion's autoencoder against the reference's, on the goldens of scripts/golden/autoencoders.py.
#include "autoencoder/autoencoder_kl.h"

#include <gtest/gtest.h>

#include "golden_on_device.h"
#include "refusal.h"

namespace unclip {
namespace {

// With and without convolutions around the latent, and with the keys of old checkpoints.
const char* const kNets[] = {"vae", "vae-plain", "vae-old-names"};

Tensors run(AutoencoderKL& net, const Tensors& inputs, torch::MemoryFormat format) {
  const torch::Tensor picture = inputs.at("picture").contiguous(format),
                      latents = inputs.at("latents").contiguous(format);
  const LatentDistribution latent = net->encode(picture);
  return {{"mean", latent.mean},
          {"logvar", latent.logvar},
          {"picture", net->decode(latents)},
          {"tiled_picture", net->decode(latents, /*tiled=*/true)},
          {"tiled_mean", net->encode(picture, /*tiled=*/true).mean}};
}

class AutoencoderOfNormals : public testing::TestWithParam<const char*> {};

TEST_P(AutoencoderOfNormals, EqualsTheReference) {
  for (const auto format : {torch::MemoryFormat::ChannelsLast, torch::MemoryFormat::Contiguous})
    expect_transformer_golden<AutoencoderKL, AutoencoderKLConfig>(
        GetParam(), [&](AutoencoderKL& net, const Tensors& inputs) { return run(net, inputs, format); });
}

INSTANTIATE_TEST_SUITE_P(Goldens, AutoencoderOfNormals, testing::ValuesIn(kNets));

class AutoencoderOfNormalsOnDevice : public OnDevice {};

TEST_P(AutoencoderOfNormalsOnDevice, EqualsTheReference) {
  for (const char* name : kNets)
    expect_transformer_on<AutoencoderKL, AutoencoderKLConfig>(
        device(), name,
        [](AutoencoderKL& net, const Tensors& inputs) {
          return run(net, inputs, torch::MemoryFormat::ChannelsLast);
        },
        /*trains=*/false);
}

UNCLIP_ON_DEVICES(AutoencoderOfNormalsOnDevice);

TEST(LatentDistribution, DrawsAroundItsMean) {
  const LatentDistribution latent{torch::tensor({1.0, 2.0}), torch::tensor({0.0, std::log(9.0)})};
  const torch::Tensor drawn = latent.sample(torch::tensor({2.0, -1.0}));
  EXPECT_TRUE(at::allclose(drawn, torch::tensor({3.0, -1.0}))) << drawn;
}

TEST(AutoencoderOfNormalsConfig, RefusesWhatIsNotBuilt) {
  const auto read = [](const nlohmann::json& values) {
    AutoencoderKLConfig::from(Config(values, "vae/config.json"));
  };
  expect_refusal(ExitCode::model, "\"shift_factor\" is 0.1", [&] { read({{"shift_factor", 0.1}}); });
  expect_refusal(ExitCode::model, "\"scaling_factor\" is 0", [&] { read({{"scaling_factor", 0}}); });
  expect_refusal(ExitCode::model, "\"sample_size\" is []", [&] {
    read({{"sample_size", nlohmann::json::array()}});
  });
  expect_refusal(ExitCode::model, "\"block_out_channels\" holds 48, expected multiples of 32", [&] {
    read({{"block_out_channels", {48}}});
  });
}

}  // namespace
}  // namespace unclip
