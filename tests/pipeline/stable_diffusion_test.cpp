// Whole images of the tiny Stable Diffusion folders against the reference pipelines', for every task, made by
// scripts/golden/stable_diffusion.py; and against themselves in other batches.
#include "pipeline/stable_diffusion.h"

#include <gtest/gtest.h>

#include <fstream>

#include "image/image_file.h"
#include "image_golden.h"
#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

const fs::path kStableRoot = fs::path(UNCLIP_TEST_DATA) / "stable-diffusion";
const DeviceAndDtype kStableFloat{torch::kCPU, torch::kFloat32};
const Observer kNobody = [](auto, auto, auto) {};
const DrawSettings kStableWide{.steps = {0, 6, 0}, .width = 39, .height = 31, .strength = 0.8};  // to 40 × 32

std::shared_ptr<const Image> given_image(const char* name) {
  return std::make_shared<Image>(read_image(fs::path(UNCLIP_TEST_DATA) / "kandinsky" / name));
}

std::unique_ptr<Pipeline> open_stable(const std::string& name, const DeviceAndDtype& target = kStableFloat) {
  return Pipeline::open(ModelFolder::open(kStableRoot / name), target);
}

// 7.5 is the reference's own guidance scale.
ImageRequest stable_request(double guidance = 7.5) { return {"a red circle", 7, {0, guidance, 0}}; }

ImageRequest masked_request(double guidance = 7.5) {
  ImageRequest request = stable_request(guidance);
  request.init_image = given_image("init.png"), request.mask = given_image("mask.png");
  return request;
}

DrawSettings by_sampler(DrawSettings settings, const std::string& name) {
  settings.sampler = find_sampler(name, &SamplerNames::name).value();
  return settings;
}

// Draws as the golden `title` was drawn.
void expect_golden_image(Pipeline& pipeline, const ImageRequest& request, const DrawSettings& settings,
                         const std::string& title) {
  static const auto golden = read_tensors(kStableRoot / "pictures.safetensors");
  expect_image(pipeline.generate({request}, settings, kNobody)[0], golden.at(title + ".pixels"), title);
}

class StableDiffusion : public testing::TestWithParam<std::string> {};

TEST_P(StableDiffusion, DrawsTheReferencesImages) {
  const auto pipeline = open_stable(GetParam());
  ImageRequest request = stable_request();
  expect_golden_image(*pipeline, request, kStableWide, GetParam() + ".guided");
  expect_golden_image(*pipeline, request, {.steps = {0, 6, 0}}, GetParam() + ".own-size");
  expect_golden_image(*pipeline, stable_request(1), kStableWide, GetParam() + ".unguided");
  request.negative_prompt = "two small yellow stars";
  expect_golden_image(*pipeline, request, kStableWide, GetParam() + ".negative");
}

TEST_P(StableDiffusion, DrawsByAllSamplersAsTheReference) {
  const auto pipeline = open_stable(GetParam());
  for (const char* name : {"ddim", "ddpm", "dpm++", "euler", "euler-a", "pndm"})
    expect_golden_image(*pipeline, stable_request(), by_sampler(kStableWide, name), GetParam() + "." + name);
}

TEST_P(StableDiffusion, GoesOnFromAnImage) {
  const auto pipeline = open_stable(GetParam());
  ImageRequest request = stable_request(), unguided = stable_request(1);
  request.init_image = unguided.init_image = given_image("init.png");
  DrawSettings half = kStableWide;
  half.strength = 0.5;
  expect_golden_image(*pipeline, request, kStableWide, GetParam() + ".init");
  expect_golden_image(*pipeline, unguided, half, GetParam() + ".init.half");
  for (const char* name : {"euler-a", "dpm++"})
    expect_golden_image(*pipeline, request, by_sampler(half, name), GetParam() + ".init." + name);
}

TEST_P(StableDiffusion, Bfloat16StaysNearFloat32) {
  const auto draw = [&](torch::Dtype dtype) {
    const auto pipeline = open_stable(GetParam(), {torch::kCPU, dtype});
    return pixels(pipeline->generate({stable_request()}, kStableWide, kNobody)[0]);
  };
  const double agreement = psnr(draw(torch::kFloat32), draw(torch::kBFloat16));
  std::cout << agreement << " dB\n";
  EXPECT_GE(agreement, 15);  // an untrained net spreads the rounding over all steps
}

INSTANTIATE_TEST_SUITE_P(Versions, StableDiffusion, testing::Values("1", "2"));

class StableInpainting : public testing::TestWithParam<std::string> {};

TEST_P(StableInpainting, RepaintsAsTheReference) {
  const auto pipeline = open_stable(GetParam());
  expect_golden_image(*pipeline, masked_request(), kStableWide, GetParam() + ".mask");
  expect_golden_image(*pipeline, masked_request(1), kStableWide, GetParam() + ".mask.unguided");
  for (const char* name : {"euler", "euler-a"})
    expect_golden_image(*pipeline, masked_request(), by_sampler(kStableWide, name),
                        GetParam() + ".mask." + name);
}

// By a net with an input for the mask, and by one without.
INSTANTIATE_TEST_SUITE_P(Nets, StableInpainting, testing::Values("1-inpaint", "1"));

TEST(StableDiffusionBatch, ChangesNoImage) {
  for (const std::string name : {"1", "2", "1-inpaint"}) {
    const auto pipeline = open_stable(name);
    std::vector<ImageRequest> batch(3, name == "1-inpaint" ? masked_request() : stable_request());
    batch[0].prompt = "two small yellow stars", batch[0].seed = 8, batch[0].guidance.decoder = 5;
    batch[1].negative_prompt = "a blue square";
    const auto together = pipeline->generate(batch, by_sampler(kStableWide, "euler-a"), kNobody);
    for (size_t i = 0; i < batch.size(); ++i) {
      const auto alone = pipeline->generate({batch[i]}, by_sampler(kStableWide, "euler-a"), kNobody);
      const double agreement = psnr(pixels(together[i]), pixels(alone[0]));
      std::cout << name << " image " << i << ": " << agreement << " dB\n";
      EXPECT_GE(agreement, 80);
    }
  }
}

TEST(StableDiffusionDefaults, AreTheReferences) {
  const auto pipeline = open_stable("1");
  const PipelineDefaults defaults = pipeline->defaults();
  EXPECT_EQ(defaults.steps, (Steps{0, 50, 0}));
  EXPECT_EQ(defaults.guidance, (Guidance{0, 7.5, 0}));
  EXPECT_EQ(defaults.strength, 0.8);
  EXPECT_EQ(defaults.sampler, SamplerKind::pndm);
  EXPECT_EQ(open_stable("2")->defaults().sampler, SamplerKind::ddim);
  const ImageSize own = pipeline->image_size({}), asked = pipeline->image_size({.width = 39, .height = 1});
  EXPECT_EQ(own.width, 32);
  EXPECT_EQ(own.height, 32);
  EXPECT_EQ(asked.width, 40);
  EXPECT_EQ(asked.height, 2);
}

TEST(StableDiffusionStages, AreReportedInTheirOrder) {
  std::vector<std::string> stages;
  int64_t decoder_steps = 0;
  open_stable("1")->generate({stable_request()}, kStableWide,
                             [&](std::string_view stage, int64_t done, int64_t steps) {
                               if (done == 0) stages.emplace_back(stage);
                               if (stage == "decoder") decoder_steps = steps;
                             });
  EXPECT_EQ(stages, (std::vector<std::string>{"text", "decoder", "autoencoder"}));
  EXPECT_EQ(decoder_steps, 7) << "PNDM asks the net once more";
}

void expect_no_stable_image(const std::string& name, const std::string& part,
                            const std::function<void(ImageRequest&, DrawSettings&)>& change) {
  const auto pipeline = open_stable(name);
  ImageRequest request = name == "1-inpaint" ? masked_request() : stable_request();
  DrawSettings settings = kStableWide;
  change(request, settings);
  expect_refusal(ExitCode::usage, part, [&] { pipeline->generate({request}, settings, kNobody); });
}

TEST(StableDiffusionRefuses, ImagesThatTheModelHasNoUseForOrLacks) {
  expect_no_stable_image("1", "hint: this model takes no depth map",
                         [](auto& request, auto&) { request.hint = given_image("hint.png"); });
  expect_no_stable_image("1-inpaint", "mask: expected a mask for this inpainting model, found none",
                         [](auto& request, auto&) { request.mask = nullptr; });
  expect_no_stable_image("1-inpaint", "init_image: expected an image for this inpainting model, found none",
                         [](auto& request, auto&) { request.init_image = nullptr; });
  expect_no_stable_image("1-inpaint", "mask: expected 75x61 pixels, the size of the initial image, found 3x2",
                         [](auto& request, auto&) {
                           request.mask = std::make_shared<Image>(Image{3, 2, 1, std::vector<uint8_t>(6)});
                         });
}

TEST(StableDiffusionRefuses, WhatOnlyModelsWithAPriorHave) {
  expect_no_stable_image("1", "prior_steps: this model has no prior",
                         [](auto&, auto& settings) { settings.steps.prior = 25; });
  expect_no_stable_image("1", "prior_candidates: this model has no prior",
                         [](auto&, auto& settings) { settings.prior_candidates = 2; });
  expect_no_stable_image("1", "prior_guidance: this model has no prior",
                         [](auto& request, auto&) { request.guidance.prior = 4; });
  expect_no_stable_image("1", "negative_prior_prompt: this model has no prior",
                         [](auto& request, auto&) { request.negative_prior_prompt = "a dog"; });
  expect_no_stable_image("1", "embedding: this model has no prior", [](auto& request, auto&) {
    request.embedding = std::make_shared<ImageEmbedding>();
  });
  expect_refusal(ExitCode::usage, "has no embeddings of images", [] {
    Pipeline::open(ModelFolder::open(kStableRoot / "1"), kStableFloat, {.image_encoder = true});
  });
  expect_refusal(ExitCode::usage, "has no embeddings of images", [] {
    Pipeline::open(ModelFolder::open(kStableRoot / "1"), kStableFloat, {.decoder = false});
  });
}

TEST(StableDiffusionRefuses, SettingsOutsideTheirRange) {
  expect_no_stable_image("1", "size: expected 2 to 8192 pixels per side, found 1x40",
                         [](auto&, auto& settings) { settings.width = 1, settings.height = 40; });
  expect_no_stable_image("1", "strength: expected 0 to 1, found 1.5",
                         [](auto&, auto& settings) { settings.strength = 1.5; });
  expect_no_stable_image("1", "of 6 steps, which is none", [](auto& request, auto& settings) {
    request.init_image = given_image("init.png"), settings.strength = 0.1;
  });
  expect_no_stable_image("1",
                         "upsampler_steps: ", [](auto&, auto& settings) { settings.steps.upsampler = 7; });
}

// A copy of the tiny model 1 whose file was changed.
void expect_no_model(const std::string& part, const std::string& file,
                     const std::function<void(nlohmann::json&)>& change) {
  const TemporaryFolder folder;
  fs::copy(kStableRoot / "1", folder.path, fs::copy_options::recursive);
  nlohmann::json values = Config::read(folder.path / file).values();
  change(values);
  std::ofstream(folder.path / file) << values;
  expect_refusal(ExitCode::model, part,
                 [&] { Pipeline::open(ModelFolder::open(folder.path), kStableFloat); });
}

TEST(StableDiffusionRefuses, PartsThatDoNotFit) {
  expect_no_model("unet/config.json: \"cross_attention_dim\" is 24, expected 32", "unet/config.json",
                  [](auto& config) { config["cross_attention_dim"] = 24; });
  expect_no_model("\"in_channels\" is 7, expected 4", "unet/config.json",
                  [](auto& config) { config["in_channels"] = 7; });
  expect_no_model("\"class_embed_type\" is \"timestep\", expected null", "unet/config.json",
                  [](auto& config) { config["class_embed_type"] = "timestep"; });
  expect_no_model("\"out_channels\" is 4, expected 3 to match", "vae/config.json",
                  [](auto& config) { config["latent_channels"] = 3; });
  expect_no_model("has a token with id", "text_encoder/config.json",
                  [](auto& config) { config["vocab_size"] = 100, config["eos_token_id"] = 2; });
  expect_no_model("\"model_max_length\" is 77, expected 60", "text_encoder/config.json",
                  [](auto& config) { config["max_position_embeddings"] = 60; });
  expect_no_model("component \"vae\" has the class AutoencoderTiny, expected AutoencoderKL",
                  "model_index.json", [](auto& index) { index["vae"][1] = "AutoencoderTiny"; });
  expect_no_model("the component \"scheduler\" is missing", "model_index.json",
                  [](auto& index) { index.erase("scheduler"); });
  expect_no_model("expected the components of a Karlo-type model", "model_index.json", [](auto& index) {
    index["text_encoder_2"] = {"transformers", "CLIPTextModelWithProjection"};
  });
}

}  // namespace
}  // namespace unclip
