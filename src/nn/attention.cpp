// Attention over a sequence.
#include "nn/attention.h"

#include <torch/types.h>

#include "nn/cpu_attention.h"

namespace unclip {

void KeysAndValues::append(const KeysAndValues& more) {
  if (!more.keys.defined()) return;
  keys = keys.defined() ? at::cat({keys, more.keys}, 1) : more.keys;
  values = values.defined() ? at::cat({values, more.values}, 1) : more.values;
}

// On the CPU flash attention's backward pass is up to six times slower than plain products at the lengths
// that are trained there (up to some 300 tokens).
torch::Tensor attend_heads(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                           const torch::Tensor& bias) {
  if (suits_blocks(q, k, v)) return attend_in_blocks(q, k, v, bias);
  const auto mask = bias.defined() ? std::optional<torch::Tensor>(bias) : std::nullopt;
  if (!q.is_cpu() || !q.requires_grad()) return at::scaled_dot_product_attention(q, k, v, mask);
  const double scale = 1 / std::sqrt(static_cast<double>(q.size(-1)));
  const torch::Tensor scores = at::matmul(q * scale, k.transpose(-2, -1));  // [B,heads,Lq,L]
  return at::matmul(at::softmax(mask ? scores + *mask : scores, -1), v);
}

torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, int64_t heads,
                     const torch::Tensor& bias) {
  const auto split = [heads](const torch::Tensor& t) {
    return t.unflatten(-1, {heads, t.size(-1) / heads}).transpose(1, 2);  // [B,heads,L,head width]
  };
  return attend_heads(split(q), split(k), split(v), bias).transpose(1, 2).flatten(2);
}

torch::Tensor causal_bias(int64_t length, double ignored, const torch::TensorOptions& options) {
  return torch::full({length, length}, ignored, options).triu_(1);
}

}  // namespace unclip
