// The Fréchet distance against numpy, and where it is known.
#include "verbs/frechet.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

namespace unclip {
namespace {

// The root of the product of two covariances that do not commute, by numpy.linalg.eig.
TEST(Frechet, IsTheReferences) {
  const torch::Tensor n = at::arange(40, torch::kFloat64).unsqueeze(1), j = at::arange(3, torch::kFloat64);
  const torch::Tensor a = at::sin(1 + n * (j + 1) * 0.7) + 0.3 * at::cos(n * 0.9);
  const torch::Tensor b =
      1.5 * at::cos(0.2 + n * (j + 2) * 1.1) * (j + 1) * 0.5 + at::sin(n * 0.31) * 0.8 + 0.25 * j;
  EXPECT_NEAR(frechet_distance(a, b), 1.4470378655350513, 1e-9);
  EXPECT_NEAR(frechet_distance(b, a), 1.4470378655350513, 1e-9);
}

// Moved by m and stretched by s: |m|² + (1 − s)² Tr Σ.
TEST(Frechet, IsKnownForMovedAndStretchedSets) {
  torch::manual_seed(4);
  const torch::Tensor a = torch::randn({50, 8}, torch::kFloat64);
  const torch::Tensor centered = a - a.mean(0);
  EXPECT_NEAR(frechet_distance(a, a), 0, 1e-9);
  EXPECT_NEAR(frechet_distance(a, a + 2), 32, 1e-9);
  EXPECT_NEAR(frechet_distance(centered, 3 * centered), 4 * at::cov(a.t()).trace().item<double>(), 1e-9);
}

// Fewer images than numbers: covariances without full rank.
TEST(Frechet, TakesFewImages) {
  torch::manual_seed(5);
  const torch::Tensor a = torch::randn({2, 8}), b = torch::randn({3, 8});
  EXPECT_TRUE(std::isfinite(frechet_distance(a, b)));
  EXPECT_GT(frechet_distance(a, b), 0);
}

}  // namespace
}  // namespace unclip
