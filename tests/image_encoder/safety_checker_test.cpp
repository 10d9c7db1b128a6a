// Stable Diffusion's safety checker against the reference's, on a golden of scripts/golden/transformers.py.
#include "image_encoder/safety_checker.h"

#include <gtest/gtest.h>
#include <torch/utils.h>

#include "golden_on_device.h"
#include "refusal.h"

namespace unclip {
namespace {

Tensors measure(StableDiffusionSafetyChecker& net, const Tensors& inputs) {
  const ConceptMargins margins = net(inputs.at("pixels"));
  return {{"special", margins.special}, {"concepts", margins.concepts}};
}

TEST(SafetyCheckerNet, EqualsTheReference) {
  const torch::NoGradGuard no_grad;
  auto net =
      load_transformer<StableDiffusionSafetyChecker, SafetyCheckerConfig>("safety-checker", torch::kFloat32);
  const Tensors inputs = transformer_inputs("safety-checker", torch::kFloat32);
  expect_close(measure(net, inputs), inputs, 1e-5, "safety-checker");
  const std::vector<bool> found = flagged(net(inputs.at("pixels")));
  const torch::Tensor expected = inputs.at("flagged");
  ASSERT_EQ(static_cast<int64_t>(found.size()), expected.size(0));
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_EQ(found[i], expected[static_cast<int64_t>(i)].item<bool>()) << "image " << i;
  EXPECT_EQ(std::ranges::count(found, true), 2);
}

class SafetyCheckerOnDevice : public OnDevice {};

TEST_P(SafetyCheckerOnDevice, EqualsTheReference) {
  expect_transformer_on<StableDiffusionSafetyChecker, SafetyCheckerConfig>(device(), "safety-checker",
                                                                           measure,
                                                                           /*trains=*/false);
}

UNCLIP_ON_DEVICES(SafetyCheckerOnDevice);

// Margins of one concept and one special one.
bool is_flagged(float special, float margin) {
  return flagged({torch::full({1, 1}, special), torch::full({1, 1}, margin)}).front();
}

TEST(SafetyCheckerDecision, RoundsToThousandths) {
  EXPECT_FALSE(is_flagged(-1, 0.00049F));
  EXPECT_TRUE(is_flagged(-1, 0.00051F));
}

TEST(SafetyCheckerDecision, IsStricterBesideASpecialConcept) {
  EXPECT_FALSE(is_flagged(0, -0.005F));
  EXPECT_TRUE(is_flagged(0.001F, -0.005F));
  EXPECT_FALSE(is_flagged(0.001F, -0.0101F));
}

TEST(SafetyCheckerConfig, ReadsBothFormsAndRefusesOthers) {
  const auto read = [](const nlohmann::json& values) {
    return SafetyCheckerConfig::from(Config(values, "safety_checker/config.json"));
  };
  const nlohmann::json wide{{"hidden_size", 24}}, small{{"hidden_size", 12}};
  EXPECT_EQ(read({{"vision_config", wide}}).vision.encoder.hidden_size, 24);
  EXPECT_EQ(read({{"vision_config", wide}, {"vision_config_dict", small}}).vision.encoder.hidden_size, 12);
  EXPECT_EQ(read({{"vision_config", wide}, {"vision_config_dict", nullptr}}).vision.encoder.hidden_size, 24);
  EXPECT_EQ(read(nlohmann::json::object()).vision.encoder.hidden_size, 768);
  expect_refusal(ExitCode::model, "\"vision_config\" is 3", [&] { read({{"vision_config", 3}}); });
  expect_refusal(ExitCode::model, "safety_checker/config.json: \"vision_config\": \"hidden_size\"", [&] {
    read({{"vision_config", {{"hidden_size", 0}}}});
  });
}

}  // namespace
}  // namespace unclip
