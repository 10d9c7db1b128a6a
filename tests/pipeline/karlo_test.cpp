// Whole pictures of the tiny Karlo-type folder against the reference pipeline's, stage by stage, and against
// themselves in other batches.
#include "unclip/pipeline/karlo.h"

#include <gtest/gtest.h>

#include <fstream>

#include "refusal.h"
#include "temporary_folder.h"
#include "unclip/checkpoint/load.h"

namespace unclip {
namespace {

const std::filesystem::path kData = UNCLIP_TEST_DATA;
constexpr Steps kSteps{5, 5, 3};
constexpr const char* kCircle = "a red circle";
constexpr const char* kStars = "Two small yellow stars, on a blue background!";

std::vector<Image> draw(const std::vector<PictureRequest>& batch, torch::Dtype dtype = torch::kFloat32) {
  const auto pipeline = Pipeline::open(ModelFolder::open(kData / "karlo-tiny"), {torch::kCPU, dtype});
  return pipeline->generate(batch, kSteps, [](auto, auto, auto) {});
}

torch::Tensor pixels(const Image& image) {
  return torch::tensor(image.pixels).view({image.height, image.width, image.channels}).to(torch::kFloat64);
}

double psnr(const torch::Tensor& a, const torch::Tensor& b) {
  const double mse = (a - b).square().mean().item<double>();
  return 20 * std::log10(255.0) - 10 * std::log10(std::max(mse, 1e-12));
}

void expect_reference(const Image& image, const std::string& key) {
  const auto golden = read_tensors(kData / "karlo-tiny-pictures.safetensors");
  const torch::Tensor expected = golden.at(key + ".pixels")[0].to(torch::kFloat64), found = pixels(image);
  ASSERT_EQ(found.sizes(), expected.sizes());
  const torch::Tensor difference = (found - expected).abs();
  const double close = (difference <= 1).to(torch::kFloat64).mean().item<double>();
  std::cout << key << ": " << psnr(found, expected) << " dB, largest difference "
            << difference.max().item<double>() << "/255, within 1/255: " << 100 * close << " %\n";
  EXPECT_GE(psnr(found, expected), 50);
  EXPECT_GE(close, 0.999);
}

TEST(Karlo, DrawsTheReferencesPictures) {
  expect_reference(draw({{kCircle, 7, {}}})[0], "guided.7");
  expect_reference(draw({{kStars, 8, {}}})[0], "guided.8");
}

TEST(Karlo, DrawsTheReferencesPictureWithoutGuidance) {
  expect_reference(draw({{kCircle, 7, {1, 1}}})[0], "plain.7");
}

TEST(Karlo, APictureDoesNotDependOnItsBatch) {
  const std::vector<PictureRequest> batch = {
      {kStars, 8, {}}, {kCircle, 7, {}}, {kStars, 9, {2, 5}}, {"a blue square", 10, {}}};
  const auto together = draw(batch);
  for (size_t i = 0; i < batch.size(); ++i) {
    const double agreement = psnr(pixels(together[i]), pixels(draw({batch[i]})[0]));
    std::cout << "picture " << i << ": " << agreement << " dB\n";
    EXPECT_GE(agreement, 80);
  }
}

TEST(Karlo, Bfloat16StaysNearFloat32) {
  const double agreement =
      psnr(pixels(draw({{kCircle, 7, {}}})[0]), pixels(draw({{kCircle, 7, {}}}, torch::kBFloat16)[0]));
  std::cout << agreement << " dB\n";
  EXPECT_GE(agreement, 20);
}

TEST(Karlo, ReportsEveryStageAndStep) {
  const auto pipeline =
      Pipeline::open(ModelFolder::open(kData / "karlo-tiny"), {torch::kCPU, torch::kFloat32});
  std::vector<std::string> seen;
  pipeline->generate({{kCircle, 1, {}}}, kSteps, [&](std::string_view stage, int64_t done, int64_t steps) {
    if (done == steps) seen.push_back(std::string(stage) + " " + std::to_string(steps));
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"text 1", "prior 5", "decoder 5", "upsampler 3"}));
}

TEST(Karlo, TakesWhatTheFolderRecommends) {
  const TemporaryFolder copy;
  const std::filesystem::path folder = copy.path / "karlo";
  std::filesystem::copy(kData / "karlo-tiny", folder, std::filesystem::copy_options::recursive);
  EXPECT_EQ(PipelineDefaults::from(ModelFolder::open(folder)).steps.decoder, 25);
  std::ofstream(folder / "generation_config.json")
      << R"({"decoder_num_inference_steps": 12, "prior_guidance_scale": 2.5})";
  const PipelineDefaults found =
      Pipeline::open(ModelFolder::open(folder), {torch::kCPU, torch::kFloat32})->defaults();
  EXPECT_EQ(found.steps.decoder, 12);
  EXPECT_EQ(found.steps.prior, 25);
  EXPECT_EQ(found.guidance.prior, 2.5);
  std::ofstream(folder / "generation_config.json") << R"({"decoder_num_inference_steps": "many"})";
  expect_refusal(ExitCode::model, "decoder_num_inference_steps",
                 [&] { PipelineDefaults::from(ModelFolder::open(folder)); });
}

TEST(Karlo, RefusesStepCountsThatTheScheduleCannotMake) {
  const auto pipeline =
      Pipeline::open(ModelFolder::open(kData / "karlo-tiny"), {torch::kCPU, torch::kFloat32});
  EXPECT_THROW(pipeline->generate({{kCircle, 1, {}}}, {5, 1, 3}, [](auto, auto, auto) {}), Error);
}

}  // namespace
}  // namespace unclip
