// Whole images of the tiny Karlo-type folder against the reference pipeline's, stage by stage, and against
// themselves in other batches.
#include "pipeline/karlo.h"

#include <gtest/gtest.h>

#include <fstream>

#include "image_golden.h"
#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

const std::filesystem::path kData = UNCLIP_TEST_DATA;
const DrawSettings kSettings{{5, 5, 3}};
constexpr const char* kCircle = "a red circle";
constexpr const char* kStars = "Two small yellow stars, on a blue background!";

std::vector<Image> draw(const std::vector<ImageRequest>& batch, torch::Dtype dtype = torch::kFloat32) {
  const auto pipeline = Pipeline::open(ModelFolder::open(kData / "karlo-tiny"), {torch::kCPU, dtype});
  return pipeline->generate(batch, kSettings, [](auto, auto, auto) {});
}

void expect_reference(const Image& image, const std::string& key) {
  const auto golden = read_tensors(kData / "karlo-tiny-pictures.safetensors");
  expect_image(image, golden.at(key + ".pixels"), key);
}

TEST(Karlo, DrawsTheReferencesImages) {
  expect_reference(draw({{kCircle, 7}})[0], "guided.7");
  expect_reference(draw({{kStars, 8}})[0], "guided.8");
}

TEST(Karlo, DrawsTheReferencesImageWithoutGuidance) {
  expect_reference(draw({{kCircle, 7, {1, 1}}})[0], "plain.7");
}

TEST(Karlo, AImageDoesNotDependOnItsBatch) {
  const std::vector<ImageRequest> batch = {
      {kStars, 8}, {kCircle, 7}, {kStars, 9, {2, 5}}, {"a blue square", 10}};
  const auto together = draw(batch);
  for (size_t i = 0; i < batch.size(); ++i) {
    const double agreement = psnr(pixels(together[i]), pixels(draw({batch[i]})[0]));
    std::cout << "picture " << i << ": " << agreement << " dB\n";
    EXPECT_GE(agreement, 80);
  }
}

TEST(Karlo, Bfloat16StaysNearFloat32) {
  const double agreement =
      psnr(pixels(draw({{kCircle, 7}})[0]), pixels(draw({{kCircle, 7}}, torch::kBFloat16)[0]));
  std::cout << agreement << " dB\n";
  EXPECT_GE(agreement, 20);
}

TEST(Karlo, ReportsEveryStageAndStep) {
  const auto pipeline =
      Pipeline::open(ModelFolder::open(kData / "karlo-tiny"), {torch::kCPU, torch::kFloat32});
  std::vector<std::string> seen;
  pipeline->generate({{kCircle, 1}}, kSettings, [&](std::string_view stage, int64_t done, int64_t steps) {
    if (done == steps) seen.push_back(std::string(stage) + " " + std::to_string(steps));
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"text 1", "prior 5", "decoder 5", "upsampler 3"}));
}

TEST(Karlo, TakesWhatTheFolderRecommends) {
  const TemporaryFolder copy;
  const std::filesystem::path folder = copy.path / "karlo";
  std::filesystem::copy(kData / "karlo-tiny", folder, std::filesystem::copy_options::recursive);
  EXPECT_EQ(PipelineDefaults::from(ModelFolder::open(folder), {}).steps.decoder, 25);
  std::ofstream(folder / "generation_config.json")
      << R"({"decoder_num_inference_steps": 12, "prior_guidance_scale": 2.5})";
  const PipelineDefaults found =
      Pipeline::open(ModelFolder::open(folder), {torch::kCPU, torch::kFloat32})->defaults();
  EXPECT_EQ(found.steps.decoder, 12);
  EXPECT_EQ(found.steps.prior, 25);
  EXPECT_EQ(found.guidance.prior, 2.5);
  std::ofstream(folder / "generation_config.json") << R"({"decoder_num_inference_steps": "many"})";
  expect_refusal(ExitCode::model, "decoder_num_inference_steps",
                 [&] { PipelineDefaults::from(ModelFolder::open(folder), {}); });
}

TEST(Karlo, RefusesStepCountsThatTheScheduleCannotMake) {
  const auto pipeline =
      Pipeline::open(ModelFolder::open(kData / "karlo-tiny"), {torch::kCPU, torch::kFloat32});
  EXPECT_THROW(pipeline->generate({{kCircle, 1}}, {{5, 1, 3}}, [](auto, auto, auto) {}), Error);
}

TEST(Karlo, BeginsFromAnEmbeddingThatItMade) {
  const auto pipeline =
      Pipeline::open(ModelFolder::open(kData / "karlo-tiny"), {torch::kCPU, torch::kFloat32});
  ImageRequest request{kCircle, 7};
  const auto embedded = pipeline->embed({request}, kSettings, [](auto, auto, auto) {});
  request.embedding = std::make_shared<ImageEmbedding>(embedded[0]);
  std::vector<std::string> stages;
  const auto drawn =
      pipeline->generate({request}, kSettings, [&](std::string_view stage, int64_t done, auto) {
        if (done == 0) stages.emplace_back(stage);
      });
  EXPECT_EQ(stages, (std::vector<std::string>{"text", "decoder", "upsampler"}));
  request.embedding = nullptr;
  EXPECT_EQ(drawn[0].pixels, pipeline->generate({request}, kSettings, [](auto, auto, auto) {})[0].pixels);
}

TEST(Karlo, DrawsByOtherSamplers) {
  for (const SamplerNames& other : kSamplers) {
    const auto pipeline =
        Pipeline::open(ModelFolder::open(kData / "karlo-tiny"), {torch::kCPU, torch::kFloat32});
    const DrawSettings settings{kSettings.steps, other.kind};
    const auto drawn = pipeline->generate({{kCircle, 7}}, settings, [](auto, auto, auto) {});
    EXPECT_GT(pixels(drawn[0]).std().item<double>(), 5) << other.name;
  }
}

TEST(Karlo, RefusesWhatItHasNoUseFor) {
  const auto pipeline =
      Pipeline::open(ModelFolder::open(kData / "karlo-tiny"), {torch::kCPU, torch::kFloat32});
  const auto refuse = [&](const std::string& part, const ImageRequest& request,
                          const DrawSettings& settings) {
    expect_refusal(ExitCode::usage, part,
                   [&] { pipeline->generate({request}, settings, [](auto, auto, auto) {}); });
  };
  refuse("negative_prompt: ", {.prompt = kCircle, .negative_prompt = kStars}, kSettings);
  refuse("init_image: ", {.prompt = kCircle, .init_image = std::make_shared<Image>()}, kSettings);
  refuse("mask: ", {.prompt = kCircle, .mask = std::make_shared<Image>()}, kSettings);
  refuse("hint: ", {.prompt = kCircle, .hint = std::make_shared<Image>()}, kSettings);
  refuse("size: ", {.prompt = kCircle}, {.steps = kSettings.steps, .width = 64, .height = 64});
}

}  // namespace
}  // namespace unclip
