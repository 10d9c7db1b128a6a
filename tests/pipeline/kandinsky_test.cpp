// Whole images of the tiny Kandinsky folders against the reference pipelines', for every task, made by
// scripts/golden/kandinsky.py; and against themselves in other batches and folders.
#include "pipeline/kandinsky.h"

#include <gtest/gtest.h>

#include <fstream>

#include "image/image_file.h"
#include "image_golden.h"
#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = fs::path(UNCLIP_TEST_DATA) / "kandinsky";
const DeviceAndDtype kFloat{torch::kCPU, torch::kFloat32};
const Observer kIgnore = [](auto, auto, auto) {};

const std::map<std::string, torch::Tensor>& kandinsky_golden() {
  static const auto golden = read_tensors(kRoot / "pictures.safetensors");
  return golden;
}

ModelFolder pair_of(const std::string& decoder) {
  return ModelFolder::open(kRoot / decoder)
      .with_prior(ModelFolder::open(kRoot / (decoder.substr(0, 3) + "-prior")));
}

std::shared_ptr<const Image> image(const char* name) {
  return std::make_shared<Image>(read_image(kRoot / name));
}

ImageRequest request_for(const std::string& decoder) {
  ImageRequest request{"a red circle", 7, {4, 4}};
  if (decoder.ends_with("inpaint")) request.init_image = image("init.png"), request.mask = image("mask.png");
  if (decoder.ends_with("controlnet")) request.hint = image("hint.png");
  return request;
}

const DrawSettings kWide{.steps = {4, 6, 0}, .width = 38, .height = 30};  // rounded up to 40 × 32
const DrawSettings kSquare{.steps = {4, 6, 0}, .width = 36, .height = 36, .strength = 0.55};

class Kandinsky : public testing::TestWithParam<std::string> {};

TEST_P(Kandinsky, DrawsTheReferencesImages) {
  const auto pipeline = Pipeline::open(pair_of(GetParam()), kFloat);
  ImageRequest request = request_for(GetParam());
  expect_image(pipeline->generate({request}, kWide, kIgnore)[0],
               kandinsky_golden().at(GetParam() + ".guided.pixels"), GetParam() + " guided");
  request.guidance.decoder = 1;
  expect_image(pipeline->generate({request}, kWide, kIgnore)[0],
               kandinsky_golden().at(GetParam() + ".unguided.pixels"), GetParam() + " unguided");
}

TEST_P(Kandinsky, AImageDoesNotDependOnItsBatch) {
  const auto pipeline = Pipeline::open(pair_of(GetParam()), kFloat);
  std::vector<ImageRequest> batch(3, request_for(GetParam()));
  batch[0].prompt = "two small yellow stars", batch[0].seed = 8, batch[0].guidance = {2, 5};
  batch[1].negative_prompt = "a blue square";
  const auto together = pipeline->generate(batch, kWide, kIgnore);
  for (size_t i = 0; i < batch.size(); ++i) {
    const double agreement =
        psnr(pixels(together[i]), pixels(pipeline->generate({batch[i]}, kWide, kIgnore)[0]));
    std::cout << GetParam() << " picture " << i << ": " << agreement << " dB\n";
    EXPECT_GE(agreement, 70);  // in so small an image one sample that rounds the other way costs 84 dB
  }
}

INSTANTIATE_TEST_SUITE_P(Decoders, Kandinsky,
                         testing::Values("2.1", "2.1-inpaint", "2.2", "2.2-inpaint", "2.2-controlnet"));

class ImageToImage : public testing::TestWithParam<std::string> {};

TEST_P(ImageToImage, GoesOnFromAImage) {
  const auto pipeline = Pipeline::open(pair_of(GetParam()), kFloat);
  for (const char* file : {"init.png", "init.jpg"}) {
    ImageRequest request = request_for(GetParam());
    request.init_image = image(file);
    const std::string title = GetParam() + "." + file;
    const torch::Tensor expected = kandinsky_golden().at(title + ".pixels")[0].to(torch::kFloat64);
    const double agreement = psnr(pixels(pipeline->generate({request}, kSquare, kIgnore)[0]), expected);
    std::cout << title << ": " << agreement << " dB\n";
    EXPECT_GE(agreement, 50);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, ImageToImage, testing::Values("2.1", "2.2"));

class KandinskyFamily : public testing::TestWithParam<std::string> {};

TEST_P(KandinskyFamily, DrawsByOtherSamplersAsTheReference) {
  const auto pipeline = Pipeline::open(pair_of(GetParam()), kFloat);
  for (const auto& [name, sampler] : {std::pair{".ddim", SamplerKind::ddim},
                                      {".ddpm", SamplerKind::ddpm},
                                      {".dpm++", SamplerKind::dpm_solver},
                                      {".euler", SamplerKind::euler},
                                      {".euler-a", SamplerKind::euler_ancestral}}) {
    DrawSettings settings = kWide;
    settings.sampler = sampler;
    const std::string title = GetParam() + name;
    expect_image(pipeline->generate({request_for(GetParam())}, settings, kIgnore)[0],
                 kandinsky_golden().at(title + ".pixels"), title);
  }
}

// Euler is DDIM at another scale, on the same timesteps. So each task has to begin and end at that scale.
TEST_P(Kandinsky, DrawsByEulerAsByDdim) {
  const TemporaryFolder temporary;
  fs::copy(kRoot / GetParam(), temporary.path, fs::copy_options::recursive);
  const fs::path file = temporary.path / "scheduler/scheduler_config.json";
  auto config = nlohmann::json::parse(std::ifstream(file));
  config["timestep_spacing"] = "leading";
  config["set_alpha_to_one"] = true;
  config["thresholding"] = false;  // which Euler does not do
  std::ofstream(file) << config;
  const auto pipeline =
      Pipeline::open(ModelFolder::open(temporary.path)
                         .with_prior(ModelFolder::open(kRoot / (GetParam().substr(0, 3) + "-prior"))),
                     kFloat);
  ImageRequest request = request_for(GetParam());
  const auto draw = [&](SamplerKind kind, DrawSettings settings) {
    settings.sampler = kind;
    return pixels(pipeline->generate({request}, settings, kIgnore)[0]);
  };
  const auto expect_same = [&](const std::string& task, const DrawSettings& settings) {
    const double agreement = psnr(draw(SamplerKind::euler, settings), draw(SamplerKind::ddim, settings));
    std::cout << GetParam() << task << ": " << agreement << " dB\n";
    EXPECT_GE(agreement, 50) << task;
  };
  expect_same("", kSquare);
  if (request.init_image || request.hint) return;
  request.init_image = image("init.png");
  expect_same(" from an image", kSquare);
  request.mask = image("mask.png");
  DrawSettings repainting = kSquare;
  repainting.repaint = true;
  expect_same(" repainting", repainting);
}

TEST_P(KandinskyFamily, EmbedsAsTheReferencesPrior) {
  const auto prior =
      Pipeline::open(ModelFolder::open(kRoot / (GetParam() + "-prior")), kFloat, {.decoder = false});
  for (const std::string name : {"plain", "unguided", "negative", "both"}) {
    ImageRequest request = request_for(GetParam());
    if (name == "unguided") request.guidance.prior = 1;
    if (name == "negative" || name == "both") request.negative_prompt = "two small yellow stars";
    if (name == "both") request.negative_prior_prompt = "a blue square";
    const ImageEmbedding embedding = prior->embed({request}, kWide, kIgnore)[0];
    const std::string prefix = GetParam() + ".prior." + name + ".";
    for (const auto& [key, found] :
         {std::pair{"image_embeds", &embedding.image}, {"negative_image_embeds", &embedding.negative}}) {
      const torch::Tensor expected = kandinsky_golden().at(prefix + key)[0];
      const double largest =
          ((torch::tensor(*found) - expected).abs().max() / expected.abs().max()).item<double>();
      std::cout << prefix << key << ": largest relative difference " << largest << "\n";
      EXPECT_LE(largest, 1e-5);
    }
  }
}

TEST_P(KandinskyFamily, BeginsFromAnEmbeddingWithoutItsPrior) {
  const auto decoder = Pipeline::open(ModelFolder::open(kRoot / GetParam()), kFloat, {.prior = false});
  const auto both = Pipeline::open(pair_of(GetParam()), kFloat);
  ImageRequest request = request_for(GetParam());
  request.embedding = std::make_shared<ImageEmbedding>(both->embed({request}, kWide, kIgnore)[0]);
  std::vector<std::string> stages;
  const auto drawn = decoder->generate({request}, kWide, [&](std::string_view stage, int64_t done, auto) {
    if (done == 0) stages.emplace_back(stage);
  });
  EXPECT_EQ(stages, (std::vector<std::string>{"decoder", "autoencoder"}));
  request.embedding = nullptr;
  EXPECT_EQ(drawn[0].pixels, both->generate({request}, kWide, kIgnore)[0].pixels);
}

TEST_P(KandinskyFamily, OpensACombinedFolder) {
  const TemporaryFolder folder;
  nlohmann::json index = Config::read(kRoot / GetParam() / "model_index.json").values();
  const ModelFolder decoder = ModelFolder::open(kRoot / GetParam());
  const ModelFolder prior = ModelFolder::open(kRoot / (GetParam() + "-prior"));
  for (const auto& part : decoder.components())
    fs::create_directory_symlink(part.folder, folder.path / part.name);
  for (const auto& part : prior.components()) {
    fs::create_directory_symlink(part.folder, folder.path / ("prior_" + part.name));
    index["prior_" + part.name] = {part.library, part.class_name};
  }
  std::ofstream(folder.path / "model_index.json") << index;
  const auto pipeline = Pipeline::open(ModelFolder::open(folder.path), kFloat);
  expect_image(pipeline->generate({request_for(GetParam())}, kWide, kIgnore)[0],
               kandinsky_golden().at(GetParam() + ".guided.pixels"), GetParam() + " combined");
}

// As the reference saves a pipeline with this scheduler; JSON has no -Infinity.
TEST_P(KandinskyFamily, OpensAFolderWithASolverOfItsOwn) {
  const TemporaryFolder folder;
  fs::copy(kRoot / GetParam(), folder.path, fs::copy_options::recursive);
  const fs::path file = folder.path / "scheduler" / "scheduler_config.json";
  nlohmann::json index = Config::read(folder.path / "model_index.json").values();
  nlohmann::json settings = Config::read(file).values();
  index["scheduler"][1] = settings["_class_name"] = "DPMSolverMultistepScheduler";
  settings["lambda_min_clipped"] = "INFINITY";
  std::string text = settings.dump();
  text.replace(text.find("\"INFINITY\""), 10, "-Infinity");
  std::ofstream(file) << text;
  std::ofstream(folder.path / "model_index.json") << index;
  const auto pipeline = Pipeline::open(
      ModelFolder::open(folder.path).with_prior(ModelFolder::open(kRoot / (GetParam() + "-prior"))), kFloat);
  EXPECT_EQ(pipeline->defaults().sampler, SamplerKind::dpm_solver);
  expect_image(pipeline->generate({request_for(GetParam())}, kWide, kIgnore)[0],
               kandinsky_golden().at(GetParam() + ".dpm++.pixels"), GetParam() + " solver of its own");
}

TEST_P(KandinskyFamily, Bfloat16StaysNearFloat32) {
  const auto draw = [&](torch::Dtype dtype) {
    const auto pipeline = Pipeline::open(pair_of(GetParam()), {torch::kCPU, dtype});
    return pixels(pipeline->generate({request_for(GetParam())}, kWide, kIgnore)[0]);
  };
  const double agreement = psnr(draw(torch::kFloat32), draw(torch::kBFloat16));
  std::cout << agreement << " dB\n";
  EXPECT_GE(agreement, 15);  // an untrained net spreads the rounding over all steps
}

INSTANTIATE_TEST_SUITE_P(Families, KandinskyFamily, testing::Values("2.1", "2.2"));

void expect_no_image(const std::string& decoder, const std::string& part,
                     const std::function<void(ImageRequest&, DrawSettings&)>& change) {
  const auto pipeline = Pipeline::open(pair_of(decoder), kFloat);
  ImageRequest request = request_for(decoder);
  DrawSettings settings = kWide;
  change(request, settings);
  expect_refusal(ExitCode::usage, part, [&] { pipeline->generate({request}, settings, kIgnore); });
}

TEST(KandinskyRefuses, ImagesThatTheModelHasNoUseForOrLacks) {
  expect_no_image("2.2", "mask: this model cannot inpaint",
                  [](auto& request, auto&) { request.mask = image("mask.png"); });
  expect_no_image("2.2", "hint: this model takes no depth map",
                  [](auto& request, auto&) { request.hint = image("hint.png"); });
  expect_no_image("2.2-inpaint", "mask: expected a mask for this inpainting model, found none",
                  [](auto& request, auto&) { request.mask = nullptr; });
  expect_no_image("2.2-controlnet", "hint: expected a depth map for this model, found none",
                  [](auto& request, auto&) { request.hint = nullptr; });
  expect_no_image("2.1-inpaint", "mask: expected 75x61 pixels, the size of the initial image, found 3x2",
                  [](auto& request, auto&) {
                    request.mask = std::make_shared<Image>(Image{3, 2, 1, std::vector<uint8_t>(6)});
                  });
}

TEST(KandinskyRefuses, SettingsOutsideTheirRange) {
  expect_no_image("2.1", "size: expected 4 to 8192 pixels per side, found 3x40",
                  [](auto&, auto& settings) { settings.width = 3, settings.height = 40; });
  expect_no_image("2.1", "strength: expected 0 to 1, found 1.5",
                  [](auto&, auto& settings) { settings.strength = 1.5; });
  expect_no_image("2.1", "of 6 steps, which is none", [](auto& request, auto& settings) {
    request.init_image = image("init.png"), settings.strength = 0.1;
  });
  expect_no_image("2.1", "upsampler_steps: ", [](auto&, auto& settings) { settings.steps.upsampler = 7; });
  expect_no_image(
      "2.2", "embedding: expected 40 values in image_embeds for this decoder, found 3",
      [](auto& request, auto&) {
        request.embedding = std::make_shared<ImageEmbedding>(ImageEmbedding{{1, 2, 3}, {1, 2, 3}, {}});
      });
}

TEST(KandinskyRefuses, FoldersThatDoNotBelongTogether) {
  const ModelFolder decoder = ModelFolder::open(kRoot / "2.2"),
                    prior = ModelFolder::open(kRoot / "2.1-prior");
  expect_refusal(ExitCode::model, "\"embedding_dim\" is 32, expected 40",
                 [&] { Pipeline::open(decoder.with_prior(prior), kFloat); });
  expect_refusal(ExitCode::usage, "contains only a decoder", [&] { Pipeline::open(decoder, kFloat); });
  expect_refusal(ExitCode::usage, "contains only a prior", [&] { Pipeline::open(prior, kFloat); });
  expect_refusal(ExitCode::usage, "expected a model folder with a prior",
                 [&] { decoder.with_prior(decoder); });
  expect_refusal(ExitCode::usage, "already contains a prior", [&] { pair_of("2.2").with_prior(prior); });
}

TEST(KandinskyRefuses, APriorWithoutItsVisionTower) {
  const TemporaryFolder folder;
  fs::copy(kRoot / "2.2-prior", folder.path, fs::copy_options::recursive);
  fs::remove_all(folder.path / "image_encoder");
  expect_refusal(ExitCode::model, "image_encoder: missing", [&] {
    Pipeline::open(ModelFolder::open(kRoot / "2.2").with_prior(ModelFolder::open(folder.path)), kFloat);
  });
}

}  // namespace
}  // namespace unclip
