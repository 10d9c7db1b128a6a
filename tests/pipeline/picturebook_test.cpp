// The shipped model: what the reference draws with the same folder, prompt and seed.
#include <gtest/gtest.h>

#include <cmath>

#include "unclip/image/png.h"
#include "unclip/pipeline/pipeline.h"

namespace unclip {
namespace {

double decibels(const Image& a, const Image& b) {
  double sum = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i) sum += std::pow(a.pixels[i] - b.pixels[i], 2);
  return 10 * std::log10(255.0 * 255.0 / std::max(sum / static_cast<double>(a.pixels.size()), 1e-9));
}

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
    const double agreement = decibels(found, expected);
    std::cout << prompt << ": " << agreement << " dB\n";
    EXPECT_GE(agreement, 50);
  };
  expect("a red circle", 0);
  expect("two yellow stars on a blue background", 1);
}

}  // namespace
}  // namespace unclip
