// The shipped model: what the reference draws with the same folder, prompt and seed; and what only trained
// nets can show.
#include "image/png.h"
#include "image_golden.h"
#include "pipeline/pipeline.h"

namespace unclip {
namespace {

const Observer kQuiet = [](auto, auto, auto) {};

TEST(Picturebook, DrawsWhatTheReferenceDraws) {
  const std::filesystem::path data = UNCLIP_TEST_DATA;
  const auto pipeline =
      Pipeline::open(ModelFolder::open(data / "../../models/picturebook"), {torch::kCPU, torch::kFloat32});
  const PipelineDefaults defaults = pipeline->defaults();
  const auto expect = [&](const std::string& prompt, uint64_t seed) {
    const Image expected = read_png(data / "picturebook" / (std::to_string(seed) + ".png"));
    const Image found =
        pipeline->generate({{prompt, seed, defaults.guidance}}, {defaults.steps}, [](auto, auto, auto) {})[0];
    ASSERT_EQ(found.pixels.size(), expected.pixels.size());
    const double agreement = psnr(pixels(found), pixels(expected));
    std::cout << prompt << ": " << agreement << " dB\n";
    EXPECT_GE(agreement, 50);
  };
  expect("a red circle", 0);
  expect("two yellow stars on a blue background", 1);
}

// DDIM's inversion, at the size of the decoder: noise that rebuilds the program's own sample.
TEST(Picturebook, InversionRebuildsItsOwnSample) {
  const std::filesystem::path data = UNCLIP_TEST_DATA;
  const auto pipeline =
      Pipeline::open(ModelFolder::open(data / "../../models/picturebook"), {torch::kCPU, torch::kFloat32},
                     {.prior = true, .decoder = true, .texts = false, .image_encoder = true});
  DrawSettings settings{.steps = pipeline->defaults().steps};
  settings.steps.upsampler = 0;
  const Image sample =
      pipeline->generate({{"a red circle", 3, pipeline->defaults().guidance}}, settings, kQuiet)[0];

  settings.steps.decoder = 100;
  settings.eta = 0;
  ImageRequest request{.seed = 7, .guidance = {1, 1, 1}};
  request.embedding = std::make_shared<ImageEmbedding>(pipeline->embed_images({sample})[0]);
  const auto agreement = [&] {
    return psnr(pixels(pipeline->generate({request}, settings, kQuiet)[0]), pixels(sample));
  };
  const double other = agreement();
  request.init_image = std::make_shared<Image>(sample);
  request.start = std::make_shared<StartNoise>(pipeline->invert({request}, settings, kQuiet)[0]);
  request.init_image = nullptr;
  const double rebuilt = agreement();
  std::cout << "from its noise " << rebuilt << " dB, from other noise " << other << " dB\n";
  EXPECT_GE(rebuilt, 25);
  EXPECT_GE(rebuilt, other + 3);
}

}  // namespace
}  // namespace unclip
