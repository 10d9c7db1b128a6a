// Noised image embeddings against the reference's, on the goldens of scripts/golden/stable_unclip.py.
#include "decoder/image_noising.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <numbers>

#include "golden_on_device.h"
#include "refusal.h"

namespace unclip {
namespace {

const std::filesystem::path kNoisingRoot = std::filesystem::path(UNCLIP_TEST_DATA) / "stable-unclip";

StableUnCLIPImageNormalizer load_normalizer(torch::Dtype dtype = torch::kFloat32) {
  const Component component{"image_normalizer", "", "", kNoisingRoot / "image/image_normalizer"};
  StableUnCLIPImageNormalizer net(StableUnCLIPImageNormalizerConfig::from(component.config()));
  load_weights(*net, weight_files(component), {.dtype = dtype});
  return net;
}

// ᾱ_t of the schedule squaredcos_cap_v2, float32 [1000] (arXiv:2102.09672, eq. 17).
torch::Tensor cosine_alpha_bars() {
  const auto share = [](double t) {
    return std::pow(std::cos((t / 1000 + 0.008) / 1.008 * std::numbers::pi / 2), 2);
  };
  std::vector<float> betas;
  for (int t = 0; t < 1000; ++t)
    betas.push_back(static_cast<float>(std::min(1 - share(t + 1) / share(t), 0.999)));
  return at::cumprod(1 - torch::tensor(betas), 0);
}

NoiseLevels levels_of(const std::vector<int64_t>& timesteps) {
  const torch::Tensor rows = torch::tensor(timesteps), alpha_bars = cosine_alpha_bars();
  return {rows, alpha_bars.index_select(0, rows)};
}

TEST(ImageNoising, EqualsTheReference) {
  const torch::NoGradGuard no_grad;
  const auto normalizer = load_normalizer();
  const Tensors golden = read_tensors(kNoisingRoot / "noising.safetensors");
  EXPECT_LE(apart(normalizer->scale(golden.at("embedding")), golden.at("scaled")), 1e-6);
  EXPECT_LE(apart(normalizer->unscale(golden.at("embedding")), golden.at("unscaled")), 1e-6);
  for (const int64_t level : {0, 1, 500, 999}) {
    const torch::Tensor found =
        noise_embedding(normalizer, golden.at("embedding"), golden.at("noise"), levels_of({level, level}));
    const double largest = apart(found, golden.at("noised." + std::to_string(level)));
    std::cout << "level " << level << ": largest relative difference " << largest << "\n";
    EXPECT_LE(largest, 1e-6);
  }
}

TEST(ImageNoising, TakesALevelForEachEmbedding) {
  const torch::NoGradGuard no_grad;
  const Tensors golden = read_tensors(kNoisingRoot / "noising.safetensors");
  const torch::Tensor found =
      noise_embedding(load_normalizer(), golden.at("embedding"), golden.at("noise"), levels_of({0, 500}));
  EXPECT_LE(apart(found[0], golden.at("noised.0")[0]), 1e-6);
  EXPECT_LE(apart(found[1], golden.at("noised.500")[1]), 1e-6);
}

class ImageNoisingOnDevice : public OnDevice {};

TEST_P(ImageNoisingOnDevice, EqualsTheReference) {
  const torch::NoGradGuard no_grad;
  Tensors golden = read_tensors(kNoisingRoot / "noising.safetensors");
  for (const torch::Dtype dtype : {torch::kFloat32, torch::kBFloat16}) {
    auto normalizer = load_normalizer(dtype);
    normalizer->to(device());
    const NoiseLevels here = levels_of({500, 500}),
                      levels{here.timesteps.to(device()), here.alpha_bars.to(device())};
    const torch::Tensor embedding = golden.at("embedding").to(device()),
                        noise = golden.at("noise").to(device());
    torch::Tensor found;
    expect_no_traffic(
        simulated::traffic_of([&] { found = noise_embedding(normalizer, embedding, noise, levels); }),
        "noising");
    EXPECT_EQ(found.scalar_type(), torch::kFloat32);
    EXPECT_LE(apart(found, golden.at("noised.500")), dtype == torch::kFloat32 ? 1e-5 : 1e-2);
  }
}

UNCLIP_ON_DEVICES(ImageNoisingOnDevice);

TEST(ImageNormalizerConfig, HasTheReferencesDefaultsAndLimits) {
  const auto read = [](const nlohmann::json& values) {
    return StableUnCLIPImageNormalizerConfig::from(Config(values, "image_normalizer/config.json"));
  };
  EXPECT_EQ(read(nlohmann::json::object()).embedding_dim, 768);
  expect_refusal(ExitCode::model, "\"embedding_dim\" is 7, expected an even number", [&] {
    read({{"embedding_dim", 7}});
  });
  expect_refusal(ExitCode::model, "\"embedding_dim\"", [&] { read({{"embedding_dim", 0}}); });
}

}  // namespace
}  // namespace unclip
