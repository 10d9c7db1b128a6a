// Attention over the positions of an image (and a context sequence).
#include "nn/attention_2d.h"

#include <torch/nn/modules/container/modulelist.h>

#include "nn/layout.h"

namespace unclip {

Attention2DImpl::Attention2DImpl(int64_t channels, const Attention2DOptions& options_)
    : options(options_),
      heads(channels / options.head_dim),
      to_q(channels, heads * options.head_dim),
      to_out(heads * options.head_dim, channels) {
  const int64_t inner = heads * options.head_dim;
  if (options.groups > 0)
    group_norm = register_module("group_norm", GroupNorm(options.groups, channels, options.eps));
  register_module("to_q", to_q);
  if (!options.only_cross_attention) {
    to_k = register_module("to_k", Linear(channels, inner));
    to_v = register_module("to_v", Linear(channels, inner));
  }
  if (options.context_dim > 0) {
    add_k_proj = register_module("add_k_proj", Linear(options.context_dim, inner));
    add_v_proj = register_module("add_v_proj", Linear(options.context_dim, inner));
  }
  register_module("to_out", torch::nn::ModuleList())->push_back(to_out);
}

KeysAndValues Attention2DImpl::read(const torch::Tensor& context) {
  return {add_k_proj(context), add_v_proj(context)};
}

torch::Tensor Attention2DImpl::forward(const torch::Tensor& x, const KeysAndValues& context,
                                       const torch::Tensor& context_bias) {
  const torch::Tensor h = to_rows(group_norm ? group_norm(x) : x);  // [B,N,C]
  KeysAndValues seen = context;                                     // comes first
  if (to_k) seen.append({to_k(h), to_v(h)});                        // [B,L+N,C]
  const auto split = [this](const torch::Tensor& t) {
    return t.unflatten(-1, {heads, options.head_dim}).transpose(1, 2);  // [B,·,C] → [B,h,·,d]
  };
  torch::Tensor bias;
  if (context_bias.defined())
    bias = to_k ? at::constant_pad_nd(context_bias, {0, h.size(1)}) : context_bias;  // [B,1,1,L+N]
  const torch::Tensor mixed =
      attend_heads(split(to_q(h)), split(seen.keys), split(seen.values), bias);       // [B,h,N,d]
  const torch::Tensor out = to_out(mixed.transpose(1, 2).flatten(2));                 // [B,N,C]
  return add_residual(to_image(out, x.size(2), x.size(3)), x, options.output_scale);  // [B,C,H,W]
}

}  // namespace unclip
