// The shipped model: what the reference draws with the same folder, prompt and seed.
#include "image/png.h"
#include "picture_golden.h"
#include "pipeline/pipeline.h"

namespace unclip {
namespace {

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

}  // namespace
}  // namespace unclip
