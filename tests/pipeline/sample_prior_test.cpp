#include "pipeline/sample_prior.h"

#include <gtest/gtest.h>

namespace unclip {
namespace {

TEST(Candidates, TheNearestOfEachImageIsKept) {
  // Three candidates of two images, of two rows each: the first one is compared.
  const torch::Tensor text = torch::tensor({{1.0, 0.0}, {0.0, 1.0}});
  const torch::Tensor first =
      torch::tensor({{0.0, 1.0}, {0.1, 2.0}, {3.0, 0.1}, {1.0, 1.0}, {1.0, 1.0}, {2.0, 0.1}});
  const torch::Tensor candidates = at::stack({first, first * 10}, 1);  // [K·B,R,D]
  const torch::Tensor kept = nearest_candidate(candidates, text);
  EXPECT_TRUE(kept.equal(at::stack({candidates[2], candidates[1]})));
  const torch::Tensor single = candidates.narrow(0, 0, 2);
  EXPECT_TRUE(nearest_candidate(single, text).equal(single));
}

TEST(Candidates, ThePriorSeesItsTextsOnceForEach) {
  const torch::Tensor texts =
      torch::tensor({10.0, 20.0, 30.0, 40.0}).view({4, 1});  // two halves of two images
  const auto net = [&](const torch::Tensor& x) { return x + texts.repeat({x.size(0) / 4, 1}); };
  const torch::Tensor noises = torch::arange(6.0).view({6, 1});  // three candidates of two images
  const torch::Tensor found = read_by_candidate(at::cat({noises, noises}), 3, /*is_guided=*/true, net);
  EXPECT_TRUE(found.flatten().equal(
      torch::tensor({10.0, 21.0, 12.0, 23.0, 14.0, 25.0, 30.0, 41.0, 32.0, 43.0, 34.0, 45.0})));
}

}  // namespace
}  // namespace unclip
