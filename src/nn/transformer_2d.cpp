// Transformer over the positions of an image and a context sequence.
#include "nn/transformer_2d.h"

#include <torch/nn/modules/container/modulelist.h>

#include "nn/layout.h"

namespace unclip {

namespace {

constexpr double kTransformerEps = 1e-6;  // of the norm before the layers; theirs have the usual one

}  // namespace

TransformerAttentionImpl::TransformerAttentionImpl(int64_t channels, int64_t context_dim, int64_t heads_)
    : heads(heads_),
      to_q(channels, channels, /*with_bias=*/false),
      to_k(context_dim, channels, /*with_bias=*/false),
      to_v(context_dim, channels, /*with_bias=*/false),
      to_out(channels, channels) {
  register_module("to_q", to_q);
  register_module("to_k", to_k);
  register_module("to_v", to_v);
  register_module("to_out", torch::nn::ModuleList())->push_back(to_out);
}

KeysAndValues TransformerAttentionImpl::read(const torch::Tensor& seen) { return {to_k(seen), to_v(seen)}; }

torch::Tensor TransformerAttentionImpl::forward(const torch::Tensor& x, const KeysAndValues& seen,
                                                const torch::Tensor& bias) {
  return to_out(attend(to_q(x), seen.keys, seen.values, heads, bias));  // [B,N,C]
}

GatedFeedForwardImpl::GatedFeedForwardImpl(int64_t channels)
    : widen(channels, 8 * channels), narrow(4 * channels, channels) {
  auto net = register_module("net", std::make_shared<torch::nn::Module>());
  net->register_module("0", std::make_shared<torch::nn::Module>())->register_module("proj", widen);
  net->register_module("2", narrow);
}

torch::Tensor GatedFeedForwardImpl::forward(const torch::Tensor& x) {
  const auto halves = widen(x).chunk(2, -1);  // [B,N,4C] each
  const torch::Tensor gate = at::gelu(halves[1]);
  return narrow(gate.requires_grad() ? halves[0] * gate : gate.mul_(halves[0]));
}

BasicTransformerBlockImpl::BasicTransformerBlockImpl(int64_t channels, const Transformer2DOptions& o)
    : only_cross_attention(o.only_cross_attention),
      norm1(channels),
      norm2(channels),
      norm3(channels),
      attn1(channels, o.only_cross_attention ? o.context_dim : channels, o.heads),
      attn2(channels, o.context_dim, o.heads),
      ff(channels) {
  register_module("norm1", norm1);
  register_module("attn1", attn1);
  register_module("norm2", norm2);
  register_module("attn2", attn2);
  register_module("norm3", norm3);
  register_module("ff", ff);
}

void BasicTransformerBlockImpl::read(const torch::Tensor& context, ReadContext& read) {
  if (only_cross_attention) read.push_back(attn1->read(context));
  read.push_back(attn2->read(context));
}

torch::Tensor BasicTransformerBlockImpl::forward(torch::Tensor x, ContextReader& context,
                                                 const torch::Tensor& context_bias) {
  torch::Tensor h = norm1(x);
  x = add_residual(attn1(h, only_cross_attention ? context.next() : attn1->read(h)), x);
  h = norm2(x);
  x = add_residual(attn2(h, context.next(), context_bias), x);
  h = norm3(x);
  return add_residual(ff(h), x);
}

Transformer2DModelImpl::Transformer2DModelImpl(int64_t channels, const Transformer2DOptions& o)
    : norm(o.groups, channels, kTransformerEps) {
  register_module("norm", norm);
  if (o.linear_projection) {
    linear_in = register_module("proj_in", Linear(channels, channels));
    linear_out = Linear(channels, channels);
  } else {
    conv_in = register_module("proj_in", Conv2d(channels, channels, 1));
    conv_out = Conv2d(channels, channels, 1);
  }
  auto list = register_module("transformer_blocks", torch::nn::ModuleList());
  for (int64_t i = 0; i < o.layers; ++i) list->push_back(transformer_blocks.emplace_back(channels, o));
  if (linear_out) register_module("proj_out", linear_out);
  if (conv_out) register_module("proj_out", conv_out);
}

void Transformer2DModelImpl::read(const torch::Tensor& context, ReadContext& read) {
  for (BasicTransformerBlock& block : transformer_blocks) block->read(context, read);
}

torch::Tensor Transformer2DModelImpl::forward(const torch::Tensor& x, ContextReader& context,
                                              const torch::Tensor& context_bias) {
  torch::Tensor h = norm(x);                                    // [B,C,H,W]
  h = linear_in ? linear_in(to_rows(h)) : to_rows(conv_in(h));  // [B,N,C]
  for (BasicTransformerBlock& block : transformer_blocks) h = block(h, context, context_bias);
  const int64_t height = x.size(2), width = x.size(3);
  h = linear_out ? to_image(linear_out(h), height, width)
                 : conv_out(to_image(h, height, width));  // [B,C,H,W]
  return add_residual(h, x);
}

}  // namespace unclip
