// The safety checker of a model folder on drawn images, against the reference pipeline's word on the same
// ones (scripts/golden/stable_safety.py).
#include "pipeline/safety_check.h"

#include <gtest/gtest.h>

#include <fstream>

#include "image_golden.h"
#include "on_device.h"
#include "pipeline/pipeline.h"
#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

const std::filesystem::path kSafetyData = UNCLIP_TEST_DATA;

// The tiny Stable Diffusion 1 folder with a safety checker.
class SafetyFolder {
 public:
  SafetyFolder() {
    const auto all = std::filesystem::copy_options::recursive;
    std::filesystem::copy(kSafetyData / "stable-diffusion/1", temporary_.path, all);
    std::filesystem::copy(kSafetyData / "stable-safety", temporary_.path, all);
    edit("model_index.json", [](nlohmann::json& index) {
      index["safety_checker"] = {"stable_diffusion", "StableDiffusionSafetyChecker"};
      index["feature_extractor"] = {"transformers", "CLIPImageProcessor"};
    });
  }

  void edit(const std::string& file, const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json values = Config::read(temporary_.path / file).values();
    change(values);
    std::ofstream(temporary_.path / file) << values;
  }

  ModelFolder open() const { return ModelFolder::open(temporary_.path); }

 private:
  TemporaryFolder temporary_;
};

void expect_the_references_word(const DeviceAndDtype& target) {
  const SafetyFolder folder;
  const auto golden = read_tensors(kSafetyData / "stable-safety/pictures.safetensors");
  const auto pipeline = Pipeline::open(folder.open(), target);
  const auto images =
      pipeline->generate({{"a red circle", 7, {0, 7.5, 0}}, {"two small yellow stars", 7, {0, 7.5, 0}}},
                         {.steps = {0, 4, 0}}, [](auto, auto, auto) {});
  expect_image(images[0], golden.at("plain.0"), "the first");
  expect_image(images[1], golden.at("plain.1"), "the second");
  const auto checker = SafetyChecker::open(folder.open(), target);
  ASSERT_NE(checker, nullptr);
  const std::vector<bool> expected{golden.at("flagged.0").item<bool>(), golden.at("flagged.1").item<bool>()};
  EXPECT_EQ(checker->flags(images), expected);
  EXPECT_EQ(checker->flags({images[1]}), std::vector<bool>{expected[1]});
}

TEST(SafetyCheck, FlagsWhatTheReferenceFlags) { expect_the_references_word({torch::kCPU, torch::kFloat32}); }

class SafetyCheckOnDevice : public OnDevice {};

TEST_P(SafetyCheckOnDevice, FlagsWhatTheReferenceFlags) {
  expect_the_references_word({device(), torch::kFloat32});
}

UNCLIP_ON_DEVICES(SafetyCheckOnDevice);

TEST(SafetyCheck, IsNotThereInAFolderWithoutOne) {
  EXPECT_EQ(SafetyChecker::open(ModelFolder::open(kSafetyData / "stable-diffusion/1"),
                                {torch::kCPU, torch::kFloat32}),
            nullptr);
}

TEST(SafetyCheck, RefusesPartsThatDoNotFit) {
  const auto refuse = [](const std::string& part, const std::string& file, const auto& change) {
    SafetyFolder folder;
    folder.edit(file, change);
    expect_refusal(ExitCode::model, part, [&] {
      SafetyChecker::open(folder.open(), {torch::kCPU, torch::kFloat32});
    });
  };
  refuse("the width of \"crop_size\" is 21, expected 28", "feature_extractor/preprocessor_config.json",
         [](nlohmann::json& config) { config["crop_size"] = 21; });
  refuse("the component \"feature_extractor\" is missing", "model_index.json",
         [](nlohmann::json& index) { index.erase("feature_extractor"); });
  refuse("expected StableDiffusionSafetyChecker", "model_index.json",
         [](nlohmann::json& index) { index["safety_checker"][1] = "FluxSafetyChecker"; });
  refuse("visual_projection.weight", "safety_checker/config.json",
         [](nlohmann::json& config) { config["projection_dim"] = 16; });
}

}  // namespace
}  // namespace unclip
