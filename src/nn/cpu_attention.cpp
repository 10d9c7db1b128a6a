// FlashAttention (Dao et al. 2022, arXiv:2205.14135, algorithm 1) of blocks of queries and keys: scores never
// stand in memory as a whole, and the sums are of float32.
//
// Symbols: B batch, Lq queries, L keys, d head width.
#include "nn/cpu_attention.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "nn/attention_kernels.h"
#include "nn/brgemm.h"

namespace unclip {
namespace {

constexpr int64_t kQueries = 64, kKeys = 512;  // of a block: scores and weights fit a core's cache
// That are worth packing keys for. Of one image: its bytes must not hang on how many others there are.
constexpr int64_t kFewestQueries = 16, kFewestScores = 4096 + 1;
constexpr int64_t kWidth = 16;  // products of other widths are slower, and each needs code of its own

int64_t rounded_up(int64_t n, int64_t unit) { return (n + unit - 1) / unit * unit; }

torch::Tensor with_whole_rows(const torch::Tensor& t) { return t.stride(-1) == 1 ? t : t.contiguous(); }

struct Rows {
  const Bfloat16Bits* begin = nullptr;
  int64_t stride = 0;
};

// Of [B,heads,·,·] those of one head from `first` on; heads are counted through all images.
Rows rows_of(const torch::Tensor& t, int64_t head, int64_t first) {
  const int64_t image = head / t.size(1), of_image = head % t.size(1);
  return {static_cast<const Bfloat16Bits*>(t.const_data_ptr()) + image * t.stride(0) +
              of_image * t.stride(1) + first * t.stride(2),
          t.stride(2)};
}

// Keys and values of every head, in blocks that multiply() takes.
class PackedKeys {
 public:
  PackedKeys(const torch::Tensor& k, const torch::Tensor& v)
      : length_(k.size(2)),
        padded_(rounded_up(length_, kWidth)),
        d_(k.size(3)),
        keys_(at::empty({k.size(0) * k.size(1), padded_ * d_}, k.options())),
        values_(at::empty_like(keys_)) {
    at::parallel_for(0, keys_.size(0) * blocks(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t head = i / blocks(), block = i % blocks(), first = block * kKeys;
        const Rows of_k = rows_of(k, head, first), of_v = rows_of(v, head, first);
        pack_keys(of_k.begin, count(block), of_k.stride, d_, width(block), at(keys_, head, block));
        pack_values(of_v.begin, count(block), of_v.stride, d_, width(block), at(values_, head, block));
      }
    });
  }

  int64_t blocks() const { return (length_ + kKeys - 1) / kKeys; }
  int64_t count(int64_t block) const { return std::min(kKeys, length_ - block * kKeys); }
  int64_t width(int64_t block) const { return std::min(kKeys, padded_ - block * kKeys); }
  const Bfloat16Bits* keys(int64_t head, int64_t block) const { return at(keys_, head, block); }
  const Bfloat16Bits* values(int64_t head, int64_t block) const { return at(values_, head, block); }

 private:
  Bfloat16Bits* at(const torch::Tensor& packed, int64_t head, int64_t block) const {
    return static_cast<Bfloat16Bits*>(packed.data_ptr()) + (head * padded_ + block * kKeys) * d_;
  }

  const int64_t length_, padded_, d_;
  torch::Tensor keys_, values_;
};

// A block of queries of one head, with room for what is made of it.
class QueryBlock {
 public:
  explicit QueryBlock(int64_t head_width)
      : d_(head_width), scores_(kQueries * kKeys), weights_(kQueries * kKeys), sums_(kQueries * d_) {}

  // q [count,d], bias [count,L] or none → to [count,d]
  void attend(const Rows& q, int64_t count, const PackedKeys& packed, int64_t head, const Rows& bias,
              Bfloat16Bits* to, int64_t to_stride) {
    std::vector<SoftmaxRow> rows(static_cast<size_t>(count));
    const float scale = 1 / std::sqrt(static_cast<float>(d_));
    for (int64_t block = 0; block < packed.blocks(); ++block) {
      const int64_t width = packed.width(block);
      multiply_blocks(count, width, d_, q.begin, q.stride, packed.keys(head, block), width, false,
                      scores_.data());
      for (int64_t i = 0; i < count; ++i) {
        const Bfloat16Bits* of_row =
            bias.begin == nullptr ? nullptr : bias.begin + i * bias.stride + block * kKeys;
        const float factor = add_block(rows[static_cast<size_t>(i)], scores_.data() + i * width, of_row,
                                       scale, packed.count(block), width, weights_.data() + i * width);
        float* sum = sums_.data() + i * d_;
        if (block > 0) scale_row(sum, factor, d_);
      }
      multiply_blocks(count, d_, width, weights_.data(), width, packed.values(head, block), d_, block > 0,
                      sums_.data());
    }
    for (int64_t i = 0; i < count; ++i)
      store_row(sums_.data() + i * d_, 1 / rows[static_cast<size_t>(i)].sum, d_, to + i * to_stride);
  }

 private:
  const int64_t d_;
  std::vector<float> scores_;
  std::vector<Bfloat16Bits> weights_;
  std::vector<float> sums_;
};

}  // namespace

bool suits_blocks(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  return q.is_cpu() && q.scalar_type() == torch::kBFloat16 && !q.requires_grad() &&
         q.size(2) >= kFewestQueries && q.size(1) * q.size(2) * k.size(2) >= kFewestScores &&
         q.size(3) % 2 == 0 && k.size(3) == v.size(3) && multiplies_blocks<Bfloat16Bits>();
}

torch::Tensor attend_in_blocks(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                               const torch::Tensor& bias) {
  RECORD_FUNCTION("unclip::attend_in_blocks", std::vector<c10::IValue>({q, k, v}));
  const int64_t images = q.size(0), heads = q.size(1), queries = q.size(2), d = q.size(3);
  const torch::Tensor asking = with_whole_rows(q);
  const PackedKeys packed(with_whole_rows(k), with_whole_rows(v));
  const torch::Tensor added =
      bias.defined() ? with_whole_rows(bias.expand({images, heads, queries, k.size(2)})) : torch::Tensor();
  const torch::Tensor out = at::empty({images, queries, heads, d}, q.options());
  const int64_t blocks = (queries + kQueries - 1) / kQueries;
  at::parallel_for(0, images * heads * blocks, 1, [&](int64_t begin, int64_t end) {
    QueryBlock block(d);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t head = i / blocks, first = i % blocks * kQueries;
      Bfloat16Bits* to = static_cast<Bfloat16Bits*>(out.data_ptr()) +
                         ((head / heads * queries + first) * heads + head % heads) * d;
      block.attend(rows_of(asking, head, first), std::min(kQueries, queries - first), packed, head,
                   added.defined() ? rows_of(added, head, first) : Rows{}, to, heads * d);
    }
    release_blocks();
  });
  return out.transpose(1, 2);
}

}  // namespace unclip
