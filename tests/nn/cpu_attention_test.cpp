// Our attention in bfloat16 against the library's in float32, of the same numbers.
#include "nn/cpu_attention.h"

#include <gtest/gtest.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "nn/attention.h"

namespace unclip {
namespace {

struct AttentionCase {
  int64_t images, heads, queries, keys, width;
  std::vector<int64_t> bias{};  // [B,heads,Lq,L] or what broadcasts to it
};

// Blocks that are not full, keys of one, odd lengths, several blocks of keys, a bias a key, a query or both.
const AttentionCase kAttentionCases[] = {
    {2, 3, 64, 512, 32}, {1, 2, 100, 1111, 64, {1, 1, 1, 1111}}, {2, 4, 16, 77, 40, {2, 1, 16, 77}},
    {1, 1, 33, 1, 8},    {2, 1, 65, 1025, 512, {2, 1, 1, 1025}}, {3, 5, 129, 130, 2, {3, 5, 129, 130}}};

// q, k and v as attend() splits them: heads side by side in a row.
torch::Tensor drawn(int64_t images, int64_t length, int64_t heads, int64_t width) {
  return torch::randn({images, length, heads, width}).to(torch::kBFloat16).transpose(1, 2);
}

class CpuAttention : public testing::Test {
 protected:
  void SetUp() override {
    torch::manual_seed(0);
    const torch::Tensor any = drawn(1, 128, 1, 16);
    if (!suits_blocks(any, any, any)) GTEST_SKIP() << "this processor has no products of bfloat16";
  }
  const torch::InferenceMode inference;
};

TEST_F(CpuAttention, EqualsTheLibrarysInFloat32) {
  const auto wide = [](const torch::Tensor& t) { return t.to(torch::kFloat32); };
  for (const AttentionCase& c : kAttentionCases) {
    const torch::Tensor q = 2 * drawn(c.images, c.queries, c.heads, c.width),
                        k = drawn(c.images, c.keys, c.heads, c.width),
                        v = drawn(c.images, c.keys, c.heads, c.width);
    torch::Tensor bias;
    if (!c.bias.empty()) bias = torch::randn(c.bias).to(torch::kBFloat16);
    const auto mask = bias.defined() ? std::optional(wide(bias)) : std::nullopt;
    const torch::Tensor expected = at::scaled_dot_product_attention(wide(q), wide(k), wide(v), mask);
    const torch::Tensor found = wide(attend_in_blocks(q, k, v, bias));
    ASSERT_EQ(found.sizes(), expected.sizes());
    const double difference = ((found - expected).norm() / expected.norm()).item<double>();
    std::cout << c.queries << " × " << c.keys << " × " << c.width << ": relative difference " << difference
              << '\n';
    EXPECT_LE(difference, 4e-3);  // bfloat16's weights and result: 2⁻⁹ each
  }
}

// A mask takes keys away as if they were not there, in the first block of keys and in the last; where all are
// taken the result is a number still.
TEST_F(CpuAttention, LeavesOutWhatIsMasked) {
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  const torch::Tensor q = drawn(1, 20, 2, 16), k = drawn(1, 600, 2, 16), v = drawn(1, 600, 2, 16);
  const torch::Tensor bias = torch::zeros({1, 1, 1, 600}, torch::kBFloat16);
  bias.narrow(-1, 0, 530).fill_(kNever);
  bias.narrow(-1, 590, 10).fill_(kNever);
  const torch::Tensor found = attend_in_blocks(q, k, v, bias);
  const torch::Tensor expected = attend_in_blocks(q, k.narrow(2, 530, 60), v.narrow(2, 530, 60), {});
  EXPECT_LE((found - expected).abs().max().item<double>(), 1e-2);
  EXPECT_TRUE(at::isfinite(attend_in_blocks(q, k, v, bias.fill_(kNever))).all().item<bool>());
}

TEST_F(CpuAttention, IsTheSameWithAnyNumberOfThreads) {
  const torch::Tensor q = drawn(2, 150, 3, 64), k = drawn(2, 700, 3, 64), v = drawn(2, 700, 3, 64);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const torch::Tensor alone = attend_in_blocks(q, k, v, {});
  at::set_num_threads(3);
  EXPECT_TRUE(alone.equal(attend_in_blocks(q, k, v, {})));
  at::set_num_threads(before);
}

TEST_F(CpuAttention, LeavesGradientsAndTheSmallestToTheLibrary) {
  const torch::InferenceMode off(false);
  const torch::Tensor q = drawn(1, 128, 1, 16), small = drawn(1, 32, 1, 16);
  EXPECT_TRUE(suits_blocks(q, q, q));
  EXPECT_FALSE(suits_blocks(small, small, small));
  q.requires_grad_(true);
  EXPECT_FALSE(suits_blocks(q, q, q));
}

TEST_F(CpuAttention, IsWhatNetsCall) {
  const torch::Tensor q = drawn(2, 100, 2, 16);
  EXPECT_TRUE(attend_heads(q, q, q).equal(attend_in_blocks(q, q, q, {})));
}

}  // namespace
}  // namespace unclip
