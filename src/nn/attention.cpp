// Attention over a sequence.
#include "unclip/nn/attention.h"

#include <torch/torch.h>

namespace unclip {

torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, int64_t heads,
                     const torch::Tensor& bias) {
  const auto split = [heads](const torch::Tensor& t) {
    return t.unflatten(-1, {heads, t.size(-1) / heads}).transpose(1, 2);  // [B,heads,L,head width]
  };
  const auto mask = bias.defined() ? std::optional<torch::Tensor>(bias) : std::nullopt;
  return at::scaled_dot_product_attention(split(q), split(k), split(v), mask).transpose(1, 2).flatten(2);
}

torch::Tensor causal_bias(int64_t length, double ignored, const torch::TensorOptions& options) {
  return torch::full({length, length}, ignored, options).triu_(1);
}

}  // namespace unclip
