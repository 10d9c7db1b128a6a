// Variations, inversion and repainting: against the reference's pipelines where it has them
// (scripts/golden/variations.py), else by what must hold.
#include <gtest/gtest.h>

#include "image/image_file.h"
#include "image_golden.h"
#include "karlo_variations.h"
#include "pipeline/pipeline.h"
#include "refusal.h"
#include "temporary_folder.h"

namespace unclip {
namespace {

namespace fs = std::filesystem;

const fs::path kTestData = UNCLIP_TEST_DATA;
const DeviceAndDtype kCpu{torch::kCPU, torch::kFloat32};
const Observer kSilent = [](auto, auto, auto) {};
constexpr size_t kReduction = 2;  // of the tiny autoencoder
constexpr PipelineParts kImages{.prior = false, .decoder = true, .texts = false, .image_encoder = true};

const std::map<std::string, torch::Tensor>& variation_golden() {
  static const auto golden = read_tensors(kTestData / "variations.safetensors");
  return golden;
}

Image init_image() { return read_image(kTestData / "kandinsky" / "init.png"); }

// largest difference, relative to the largest number
double apart(const std::vector<float>& found, const torch::Tensor& expected) {
  return ((torch::tensor(found) - expected.flatten()).abs().max() / expected.abs().max()).item<double>();
}

class Variations : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Pipeline> open(PipelineParts parts = kImages) {
    if (GetParam() == "karlo")
      return Pipeline::open(ModelFolder::open(make_karlo_variations(temporary.path / "m", parts.prior)), kCpu,
                            parts);
    const fs::path root = kTestData / "kandinsky";
    return Pipeline::open(
        ModelFolder::open(root / GetParam()).with_prior(ModelFolder::open(root / (GetParam() + "-prior"))),
        kCpu, parts);
  }
  DrawSettings settings() const {
    if (GetParam() == "karlo") return {.steps = {5, 5, 3}};
    return {.steps = {4, 6, 0}, .width = 40, .height = 32};
  }
  double usual_guidance() const { return GetParam() == "karlo" ? 8 : 4; }

  ImageRequest request_of(Pipeline& pipeline, double guidance) {
    ImageRequest request{.seed = 7, .guidance = {1, guidance, 1}};
    request.embedding = std::make_shared<ImageEmbedding>(pipeline.embed_images({init_image()})[0]);
    return request;
  }

  TemporaryFolder temporary;
};

TEST_P(Variations, EqualTheReferences) {
  const auto pipeline = open();
  const ImageRequest request = request_of(*pipeline, usual_guidance());
  const double far = apart(request.embedding->image, variation_golden().at(GetParam() + ".embedding"));
  std::cout << "embedding: " << far << "\n";
  EXPECT_LE(far, 1e-5);
  expect_image(pipeline->generate({request}, settings(), kSilent)[0],
               variation_golden().at(GetParam() + ".guided.pixels"), GetParam());
}

// How near it comes to the image is a question of trained nets (picturebook_test.cpp): these answer wildly to
// small changes.
TEST_P(Variations, InversionGivesNoiseToDrawFrom) {
  const auto pipeline = open();
  DrawSettings again = settings();
  again.steps.upsampler = 0;
  again.eta = 0;
  ImageRequest request = request_of(*pipeline, 1);
  request.init_image = std::make_shared<Image>(init_image());
  const StartNoise noise = pipeline->invert({request}, again, kSilent)[0];
  EXPECT_EQ(pipeline->invert({request, request}, again, kSilent)[1].size(), noise.size());
  EXPECT_EQ(pipeline->invert({request}, again, kSilent)[0], noise);
  const Image other = pipeline->generate({request_of(*pipeline, 1)}, again, kSilent)[0];
  request.init_image = nullptr;
  request.start = std::make_shared<StartNoise>(noise);
  const Image drawn = pipeline->generate({request}, again, kSilent)[0];
  const auto pixel_count = static_cast<size_t>(drawn.width * drawn.height);
  EXPECT_EQ(noise.size(),
            GetParam() == "karlo" ? pixel_count * 3 : pixel_count / kReduction / kReduction * 4);
  request.seed = 8;  // nothing is left to chance
  EXPECT_EQ(pipeline->generate({request}, again, kSilent)[0].pixels, drawn.pixels);
  EXPECT_NE(drawn.pixels, other.pixels) << "the noise of the seed";
}

TEST_P(Variations, RepaintingKeepsWhatTheMaskKeeps) {
  const auto pipeline = open({.prior = true, .decoder = true, .texts = false, .image_encoder = false});
  DrawSettings repaint = settings();
  repaint.repaint = true;
  const ImageSize size = pipeline->image_size(repaint);
  Image image{size.width, size.height, 3, {}}, mask{size.width, size.height, 1, {}};
  for (int y = 0; y < size.height; ++y)
    for (int x = 0; x < size.width; ++x) {
      for (int c = 0; c < 3; ++c) image.pixels.push_back(static_cast<uint8_t>(40 + 3 * x + c * 20));
      mask.pixels.push_back(x < size.width / 2 ? 255 : 0);
    }
  ImageRequest request{"a red circle", 7, {4, 4}};
  request.init_image = std::make_shared<Image>(image);
  request.mask = std::make_shared<Image>(mask);
  const auto right = [&](const Image& of) { return pixels(of).slice(1, size.width * 3 / 4); };
  const auto left = [&](const Image& of) { return pixels(of).slice(1, 0, size.width / 4); };
  const Image drawn = pipeline->generate({request}, repaint, kSilent)[0];
  ImageRequest other = request;
  other.seed = 8;
  const Image another = pipeline->generate({other}, repaint, kSilent)[0];
  const double kept = psnr(right(drawn), right(another)), painted = psnr(left(drawn), left(another));
  std::cout << GetParam() << ": two seeds agree at " << kept << " dB where the image is kept, " << painted
            << " dB where it is repainted\n";
  EXPECT_GE(kept, painted + 3);
  if (GetParam() == "karlo") {
    EXPECT_GE(psnr(right(drawn), right(image)), 60);  // in pixels: no autoencoder lies between
  }
  const auto together = pipeline->generate({request, request}, repaint, kSilent);
  EXPECT_GE(psnr(pixels(together[1]), pixels(drawn)), 70);
}

TEST_P(Variations, BetweenTwoTextsTheEndsAreTheTextsOwn) {
  const auto pipeline = open({.prior = true});
  ImageRequest end{"a red circle", 7, {4, 4}}, other = end;
  other.prompt = "two small yellow stars";
  const auto embed = [&](const ImageRequest& request) {
    return std::make_shared<ImageEmbedding>(pipeline->embed({request}, settings(), kSilent)[0]);
  };
  ImageRequest from = end, to = end;
  from.embedding = embed(end), to.embedding = embed(other);
  from.other_prompt = to.other_prompt = other.prompt;
  to.position = 1;
  for (const auto& [between, text] : {std::pair{from, end}, {to, other}})
    EXPECT_GE(psnr(pixels(pipeline->generate({between}, settings(), kSilent)[0]),
                   pixels(pipeline->generate({text}, settings(), kSilent)[0])),
              60);
}

TEST_P(Variations, TheNearestOfSeveralCandidatesIsKept) {
  const auto pipeline = open({.prior = true});
  const auto near = [&](int64_t candidates) {
    DrawSettings several = settings();
    several.prior_candidates = candidates;
    const torch::Tensor text = torch::tensor(pipeline->embed_texts({"a red circle"})[0]);
    double sum = 0;
    for (uint64_t seed = 0; seed < 8; ++seed)
      sum += at::cosine_similarity(
                 torch::tensor(pipeline->embed({{"a red circle", seed, {4, 4}}}, several, kSilent)[0].image),
                 text, 0)
                 .item<double>();
    return sum / 8;
  };
  const double one = near(1), four = near(4);
  std::cout << GetParam() << ": mean likeness of 1 candidate " << one << ", of 4 " << four << "\n";
  EXPECT_GT(four, one);
}

INSTANTIATE_TEST_SUITE_P(Families, Variations, testing::Values("karlo", "2.1", "2.2"));

TEST(KarloVariations, TheFolderOfTheReferencesPipelineDrawsNothingFromText) {
  TemporaryFolder temporary;
  const ModelFolder folder = ModelFolder::open(make_karlo_variations(temporary.path / "m"));
  expect_refusal(ExitCode::usage, "has no prior", [&] { Pipeline::open(folder, kCpu); });
  expect_refusal(ExitCode::usage, "has no image encoder",
                 [&] { Pipeline::open(ModelFolder::open(kTestData / "karlo-tiny"), kCpu, kImages); });
}

}  // namespace
}  // namespace unclip
