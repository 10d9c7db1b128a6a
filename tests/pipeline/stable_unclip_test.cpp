// Whole images of the tiny folders of Stable Diffusion's unCLIP models against the reference pipelines', made
// by scripts/golden/stable_unclip.py; and against themselves in other batches, through embeddings and back.
#include "pipeline/stable_unclip.h"

#include <gtest/gtest.h>

#include <fstream>

#include "image/image_file.h"
#include "image_golden.h"
#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

const fs::path kUnclipRoot = fs::path(UNCLIP_TEST_DATA) / "stable-unclip";
const DeviceAndDtype kUnclipFloat{torch::kCPU, torch::kFloat32};
const Observer kUnclipNobody = [](auto, auto, auto) {};
const DrawSettings kUnclipWide{.steps = {4, 6, 0}, .width = 40, .height = 32};
const PipelineParts kUnclipImages{.prior = false, .image_encoder = true};

const std::map<std::string, torch::Tensor>& unclip_goldens() {
  static const auto golden = read_tensors(kUnclipRoot / "pictures.safetensors");
  return golden;
}

std::unique_ptr<Pipeline> open_unclip(const std::string& name, const PipelineParts& parts = {}) {
  return Pipeline::open(ModelFolder::open(kUnclipRoot / name), kUnclipFloat, parts);
}

// The folder without a prior, with Karlo's.
ModelFolder with_karlo() {
  return ModelFolder::open(kUnclipRoot / "image").with_prior(ModelFolder::open(kUnclipRoot / "karlo"));
}

// 4 and 10 are the reference's own guidance scales.
ImageRequest unclip_request(double prior_guidance = 4, double guidance = 10) {
  return {"a red circle", 7, {prior_guidance, guidance, 0}};
}

Image unclip_init() { return read_image(fs::path(UNCLIP_TEST_DATA) / "kandinsky/init.png"); }

// The same without a prompt, and with the embedding of an image.
ImageRequest variation_request(Pipeline& pipeline, double guidance = 10) {
  ImageRequest request{"", 7, {4, guidance, 0}};
  request.embedding = std::make_shared<ImageEmbedding>(pipeline.embed_images({unclip_init()}).front());
  return request;
}

void expect_unclip_image(Pipeline& pipeline, const ImageRequest& request, const std::string& title,
                         const DrawSettings& settings = kUnclipWide) {
  expect_image(pipeline.generate({request}, settings, kUnclipNobody)[0],
               unclip_goldens().at(title + ".pixels"), title);
}

TEST(StableUnclip, DrawsTheReferencesImagesOfTexts) {
  const auto pipeline = open_unclip("text");
  expect_unclip_image(*pipeline, unclip_request(), "text.guided");
  expect_unclip_image(*pipeline, unclip_request(1, 1), "text.unguided");
  ImageRequest negative = unclip_request(), noisy = unclip_request();
  negative.negative_prompt = "two small yellow stars";
  noisy.noise_level = 700;
  expect_unclip_image(*pipeline, negative, "text.negative");
  expect_unclip_image(*pipeline, noisy, "text.noisy");
}

TEST(StableUnclip, DrawsByOtherSamplersAsTheReference) {
  const auto pipeline = open_unclip("text");
  for (const char* name : {"ddim", "dpm++", "euler-a"}) {
    DrawSettings settings = kUnclipWide;
    settings.sampler = find_sampler(name, &SamplerNames::name).value();
    expect_unclip_image(*pipeline, unclip_request(), std::string("text.") + name, settings);
  }
}

TEST(StableUnclip, DrawsTheReferencesVariationsOfImages) {
  const auto pipeline = open_unclip("image", kUnclipImages);
  const torch::Tensor expected = unclip_goldens().at("image.embedding")[0];
  const torch::Tensor found = torch::tensor(pipeline->embed_images({unclip_init()})[0].image);
  EXPECT_LE((found - expected).abs().max().item<double>() / expected.abs().max().item<double>(), 1e-5);
  expect_unclip_image(*pipeline, variation_request(*pipeline), "image.guided");
  expect_unclip_image(*pipeline, variation_request(*pipeline, 1), "image.unguided");
  ImageRequest noisy = variation_request(*pipeline);
  noisy.noise_level = 700;
  expect_unclip_image(*pipeline, noisy, "image.noisy");
}

// The reference opens Karlo's UnCLIPScheduler as a DDPMScheduler.
TEST(StableUnclip, TakesThePriorOfAKarloFolder) {
  const auto pipeline = Pipeline::open(with_karlo(), kUnclipFloat);
  expect_unclip_image(*pipeline, unclip_request(), "text.guided");
}

TEST(StableUnclip, ABatchChangesNoImage) {
  const auto pipeline = open_unclip("text");
  std::vector<ImageRequest> batch(3, unclip_request());
  batch[0].prompt = "two small yellow stars", batch[0].seed = 8, batch[0].guidance.decoder = 5;
  batch[1].negative_prompt = "a blue square", batch[1].noise_level = 300;
  const auto together = pipeline->generate(batch, kUnclipWide, kUnclipNobody);
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto alone = pipeline->generate({batch[i]}, kUnclipWide, kUnclipNobody);
    const double agreement = psnr(pixels(together[i]), pixels(alone[0]));
    std::cout << "image " << i << ": " << agreement << " dB\n";
    EXPECT_GE(agreement, 80);
  }
}

TEST(StableUnclip, GoesOnFromAnEmbeddingAsFromItsPrompt) {
  const auto pipeline = open_unclip("text");
  ImageRequest request = unclip_request();
  const Image whole = pipeline->generate({request}, kUnclipWide, kUnclipNobody)[0];
  request.embedding =
      std::make_shared<ImageEmbedding>(pipeline->embed({request}, kUnclipWide, kUnclipNobody)[0]);
  const auto decoder = open_unclip("text", {.prior = false});
  EXPECT_EQ(decoder->generate({request}, kUnclipWide, kUnclipNobody)[0].pixels, whole.pixels);
}

TEST(StableUnclip, KeepsTheCandidateNearestTheText) {
  const auto pipeline = open_unclip("text");
  DrawSettings four = kUnclipWide;
  four.prior_candidates = 4;
  const auto text = torch::tensor(pipeline->embed_texts({"a red circle"})[0]);
  const auto likeness = [&](const DrawSettings& settings) {
    const auto made = pipeline->embed({unclip_request()}, settings, kUnclipNobody)[0];
    return at::cosine_similarity(torch::tensor(made.image), text, 0).item<double>();
  };
  EXPECT_GE(likeness(four), likeness(kUnclipWide));
}

// Karlo's text encoder stands in the space of the images.
TEST(StableUnclip, EmbedsTextsAsItsPriorReadsThem) {
  const auto own = open_unclip("text", {.prior = false, .decoder = false, .texts = true});
  const auto joined =
      Pipeline::open(with_karlo(), kUnclipFloat, {.prior = false, .decoder = false, .texts = true});
  const auto found = own->embed_texts({"a red circle", ""});
  EXPECT_EQ(found[0].size(), 24);
  EXPECT_NE(found[0], found[1]);
  EXPECT_EQ(joined->embed_texts({"a red circle", ""}), found);
}

TEST(StableUnclip, AnImageComesBackFromItsOwnNoise) {
  const auto pipeline = open_unclip("image", kUnclipImages);
  ImageRequest request = variation_request(*pipeline, 1);
  request.init_image = std::make_shared<Image>(unclip_init());
  DrawSettings settings{.steps = {0, 40, 0}, .width = 40, .height = 32, .eta = 0};
  request.start = std::make_shared<StartNoise>(pipeline->invert({request}, settings, kUnclipNobody)[0]);
  request.init_image = nullptr;
  const Image found = pipeline->generate({request}, settings, kUnclipNobody)[0];
  request.seed = 8;  // nothing is drawn
  EXPECT_EQ(pipeline->generate({request}, settings, kUnclipNobody)[0].pixels, found.pixels);
  request.start = nullptr;
  EXPECT_NE(pipeline->generate({request}, settings, kUnclipNobody)[0].pixels, found.pixels);
}

TEST(StableUnclipDefaults, AreTheReferences) {
  const PipelineDefaults defaults = open_unclip("text")->defaults();
  EXPECT_EQ(defaults.steps, (Steps{25, 20, 0}));
  EXPECT_EQ(defaults.guidance, (Guidance{4, 10, 0}));
  EXPECT_EQ(defaults.sampler, SamplerKind::pndm);
}

TEST(StableUnclipStages, AreReportedInTheirOrder) {
  std::vector<std::string> stages;
  open_unclip("text")->generate({unclip_request()}, kUnclipWide,
                                [&](std::string_view stage, int64_t done, int64_t) {
                                  if (done == 0) stages.emplace_back(stage);
                                });
  EXPECT_EQ(stages, (std::vector<std::string>{"text", "prior", "decoder", "autoencoder"}));
}

TEST(StableUnclipRefuses, WhatItsPartsCannotDo) {
  expect_refusal(ExitCode::usage, "has no prior, so it cannot draw from text", [] { open_unclip("image"); });
  expect_refusal(ExitCode::usage, "has no image encoder", [] { open_unclip("text", kUnclipImages); });
  const auto pipeline = open_unclip("text");
  const auto refuse = [&](const std::string& part, const auto& change) {
    ImageRequest request = unclip_request();
    change(request);
    expect_refusal(ExitCode::usage, part, [&] { pipeline->generate({request}, kUnclipWide, kUnclipNobody); });
  };
  refuse("noise_level: expected 0 to 999, found 1000", [](auto& request) { request.noise_level = 1000; });
  refuse("negative_prior_prompt: ", [](auto& request) { request.negative_prior_prompt = "a dog"; });
  refuse("hint: ", [](auto& request) { request.hint = std::make_shared<Image>(unclip_init()); });
  refuse("expected 24 values in image_embeds", [](auto& request) {
    request.embedding = std::make_shared<ImageEmbedding>(ImageEmbedding{{1, 2, 3}, {}, {}});
  });
}

// A copy of a tiny model whose file was changed.
void expect_no_unclip(const std::string& part, const std::string& file,
                      const std::function<void(nlohmann::json&)>& change, const std::string& name = "text") {
  const TemporaryFolder folder;
  fs::copy(kUnclipRoot / name, folder.path, fs::copy_options::recursive);
  nlohmann::json values = Config::read(folder.path / file).values();
  change(values);
  std::ofstream(folder.path / file) << values;
  expect_refusal(ExitCode::model, part, [&] {
    Pipeline::open(ModelFolder::open(folder.path), kUnclipFloat,
                   name == "text" ? PipelineParts{} : kUnclipImages);
  });
}

TEST(StableUnclipRefuses, PartsThatDoNotFit) {
  expect_no_unclip("\"projection_class_embeddings_input_dim\" is 46, expected 48", "unet/config.json",
                   [](auto& config) { config["projection_class_embeddings_input_dim"] = 46; });
  expect_no_unclip("\"class_embed_type\" is null, expected \"projection\"", "unet/config.json",
                   [](auto& config) { config["class_embed_type"] = nullptr; });
  expect_no_unclip("expected 32", "image_normalizer/config.json",
                   [](auto& config) { config["embedding_dim"] = 16; });
  expect_no_unclip("\"model_max_length\" is 77, expected 60", "prior/config.json",
                   [](auto& config) { config["num_embeddings"] = 60; });
  expect_no_unclip("expected 24", "prior_text_encoder/config.json",
                   [](auto& config) { config["projection_dim"] = 32; });
  expect_no_unclip("the component \"prior_scheduler\" is missing", "model_index.json",
                   [](auto& index) { index.erase("prior_scheduler"); });
  expect_no_unclip("the component \"image_noising_scheduler\" is missing", "model_index.json",
                   [](auto& index) { index.erase("image_noising_scheduler"); });
  expect_no_unclip("\"class_embed_type\" is \"projection\", expected null", "model_index.json",
                   [](auto& index) { index.erase("image_normalizer"), index.erase("prior"); });
  expect_no_unclip("expected StableUnCLIPImageNormalizer", "model_index.json",
                   [](auto& index) { index["image_normalizer"][1] = "AutoencoderKL"; });
  expect_no_unclip(
      "\"projection_dim\" is 32, expected 24", "image_encoder/config.json",
      [](auto& config) { config["projection_dim"] = 32; }, "image");
  expect_no_unclip("\"cross_attention_dim\" is 24, expected 32", "unet/config.json",
                   [](auto& config) { config["cross_attention_dim"] = 24; });
}

}  // namespace
}  // namespace unclip
