// Images of the tiny Stable Diffusion 1 folder with LoRAs against the reference's, made by
// scripts/golden/lora.py.
#include <gtest/gtest.h>

#include "image_golden.h"
#include "on_device.h"
#include "pipeline/load_net.h"
#include "pipeline/pipeline.h"

namespace unclip {
namespace {

const std::filesystem::path kLoraGoldens = UNCLIP_TEST_DATA;

Image draw_with_lora(const std::string& layout, const DeviceAndDtype& target) {
  const std::string file = (kLoraGoldens / "lora" / (layout + ".safetensors")).string();
  const ModelFolder folder = ModelFolder::open(kLoraGoldens / "stable-diffusion/1").with_loras({{file, 0.7}});
  return Pipeline::open(folder, target)
      ->generate({{"a red circle", 7, {0, 7.5, 0}}}, {.steps = {0, 6, 0}, .width = 40, .height = 32},
                 [](auto, auto, auto) {})
      .front();
}

class LoraImage : public testing::TestWithParam<std::string> {};

TEST_P(LoraImage, IsTheReferences) {
  const torch::Tensor expected =
      read_tensors(kLoraGoldens / "lora/pictures.safetensors").at(GetParam() + ".pixels");
  expect_image(draw_with_lora(GetParam(), {torch::kCPU, torch::kFloat32}), expected, GetParam());
  // Weights that are read again for each stage are merged again.
  expect_image(draw_with_lora(GetParam(), {torch::kCPU, torch::kFloat32, std::make_shared<NetMemory>()}),
               expected, GetParam() + ", one net at a time");
}

INSTANTIATE_TEST_SUITE_P(Layouts, LoraImage, testing::Values("peft", "diffusers", "kohya"));

class LoraImageOnDevice : public OnDevice {};

TEST_P(LoraImageOnDevice, IsTheReferences) {
  expect_image(draw_with_lora("peft", {device(), torch::kFloat32}),
               read_tensors(kLoraGoldens / "lora/pictures.safetensors").at("peft.pixels"), "peft");
}

UNCLIP_ON_DEVICES(LoraImageOnDevice);

}  // namespace
}  // namespace unclip
