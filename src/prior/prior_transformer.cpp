// The diffusion prior's net.
#include "unclip/prior/prior_transformer.h"

#include "unclip/nn/attention.h"

namespace unclip {
namespace {

constexpr double kIgnored = -10000.0;  // as the prior was trained, not −∞

// A setting that is absent (null) or has one known value.
bool is_set(const Config& config, const std::string& key, const std::string& known, bool fallback) {
  if (!config.values().contains(key)) return fallback;
  config.expect(key, known);
  return config.has(key);
}

}  // namespace

PriorTransformerConfig PriorTransformerConfig::from(const Config& config) {
  PriorTransformerConfig c;
  c.num_attention_heads = config.get("num_attention_heads", c.num_attention_heads);
  c.attention_head_dim = config.get("attention_head_dim", c.attention_head_dim);
  c.num_layers = config.get("num_layers", c.num_layers);
  c.embedding_dim = config.get("embedding_dim", c.embedding_dim);
  c.num_embeddings = config.get("num_embeddings", c.num_embeddings);
  c.additional_embeddings = config.get("additional_embeddings", c.additional_embeddings);
  c.embedding_proj_dim = config.get("embedding_proj_dim", c.embedding_dim);
  c.clip_embed_dim = config.get("clip_embed_dim", c.embedding_dim);
  c.time_embed_dim = config.get("time_embed_dim", c.num_attention_heads * c.attention_head_dim);
  c.embedding_proj_norm = is_set(config, "embedding_proj_norm_type", "layer", c.embedding_proj_norm);
  c.encoder_hid_proj = is_set(config, "encoder_hid_proj_type", "linear", c.encoder_hid_proj);
  c.added_emb = is_set(config, "added_emb_type", "prd", c.added_emb);
  c.norm_in = is_set(config, "norm_in_type", "layer", c.norm_in);
  config.expect<std::string>("time_embed_act_fn", "silu");
  return c;
}

PriorBlockImpl::PriorBlockImpl(int64_t width, int64_t num_heads)
    : heads(num_heads),
      norm1(width),
      norm3(width),
      to_q(width, width),
      to_k(width, width),
      to_v(width, width),
      to_out(width, width),
      proj_in(width, 4 * width),
      proj_out(4 * width, width) {
  register_module("norm1", norm1);
  auto attention = register_module("attn1", std::make_shared<torch::nn::Module>());
  attention->register_module("to_q", to_q);
  attention->register_module("to_k", to_k);
  attention->register_module("to_v", to_v);
  attention->register_module("to_out", torch::nn::ModuleList())->push_back(to_out);
  register_module("norm3", norm3);
  auto net = register_module("ff", std::make_shared<torch::nn::Module>())
                 ->register_module("net", std::make_shared<torch::nn::Module>());
  net->register_module("0", std::make_shared<torch::nn::Module>())->register_module("proj", proj_in);
  net->register_module("2", proj_out);
}

torch::Tensor PriorBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& bias) {
  const torch::Tensor normed = norm1(x);
  const torch::Tensor h = x + to_out(attend(to_q(normed), to_k(normed), to_v(normed), heads, bias));
  return h + proj_out(at::gelu(proj_in(norm3(h))));  // [B,L+4,D]
}

PriorTransformerImpl::PriorTransformerImpl(const PriorTransformerConfig& c)
    : config(c),
      time_embedding_(c.num_attention_heads * c.attention_head_dim, c.time_embed_dim,
                      c.num_attention_heads * c.attention_head_dim),
      proj_in_(c.embedding_dim, c.num_attention_heads * c.attention_head_dim),
      embedding_proj_(c.embedding_proj_dim, c.num_attention_heads * c.attention_head_dim),
      proj_to_clip_embeddings_(c.num_attention_heads * c.attention_head_dim, c.clip_embed_dim),
      norm_out_(c.num_attention_heads * c.attention_head_dim) {
  const int64_t width = c.num_attention_heads * c.attention_head_dim;
  register_module("time_embedding", time_embedding_);
  register_module("proj_in", proj_in_);
  if (c.embedding_proj_norm)
    embedding_proj_norm_ = register_module("embedding_proj_norm", LayerNorm(c.embedding_proj_dim));
  register_module("embedding_proj", embedding_proj_);
  if (c.encoder_hid_proj)
    encoder_hidden_states_proj_ =
        register_module("encoder_hidden_states_proj", Linear(c.embedding_dim, width));
  positional_embedding_ =
      empty_parameter(*this, "positional_embedding", {1, c.num_embeddings + c.additional_embeddings, width});
  if (c.added_emb) prd_embedding_ = empty_parameter(*this, "prd_embedding", {1, 1, width});
  auto list = register_module("transformer_blocks", torch::nn::ModuleList());
  for (int64_t i = 0; i < c.num_layers; ++i) {
    blocks_.emplace_back(width, c.num_attention_heads);
    list->push_back(blocks_.back());
  }
  if (c.norm_in) norm_in_ = register_module("norm_in", LayerNorm(width));
  register_module("norm_out", norm_out_);
  register_module("proj_to_clip_embeddings", proj_to_clip_embeddings_);
  clip_mean = empty_parameter(*this, "clip_mean", {1, c.clip_embed_dim});
  clip_std = empty_parameter(*this, "clip_std", {1, c.clip_embed_dim});
}

// Causal over all tokens; padding of the text is ignored on top of it.
torch::Tensor PriorTransformerImpl::attention_bias(const torch::Tensor& mask,
                                                   const torch::Tensor& tokens) const {
  if (!mask.defined()) return {};
  const auto options = tokens.options().requires_grad(false);
  const torch::Tensor padding =
      at::constant_pad_nd((1 - mask.to(options)) * kIgnored, {0, config.additional_embeddings});  // [B,L+4]
  const torch::Tensor causal = causal_bias(tokens.size(1), kIgnored, options.dtype(torch::kFloat32));
  return (padding.unsqueeze(1).unsqueeze(1) + causal).to(options);  // [B,1,L+4,L+4]
}

torch::Tensor PriorTransformerImpl::forward(const torch::Tensor& x, const torch::Tensor& timestep,
                                            const torch::Tensor& text_embedding,
                                            const torch::Tensor& text_sequence, const torch::Tensor& mask) {
  const int64_t batch = x.size(0), width = proj_in_->weight.size(0);
  const torch::Tensor time = time_embedding_(
      timestep_embedding(timestep.expand({batch}), width, true, 0).to(x.scalar_type()));  // [B,D]
  const torch::Tensor text = embedding_proj_norm_ ? embedding_proj_norm_(text_embedding) : text_embedding;

  std::vector<torch::Tensor> parts;  // [B,·,D] each
  if (text_sequence.defined())
    parts.push_back(encoder_hidden_states_proj_ ? encoder_hidden_states_proj_(text_sequence) : text_sequence);
  parts.insert(parts.end(),
               {embedding_proj_(text).unsqueeze(1), time.unsqueeze(1), proj_in_(x).unsqueeze(1)});
  if (prd_embedding_.defined()) parts.push_back(prd_embedding_.expand({batch, -1, -1}));
  torch::Tensor tokens = at::cat(parts, 1);  // [B,L+4,D]

  // Old configs have positions for the noisy embedding alone; the other tokens then get none.
  torch::Tensor positions = positional_embedding_;
  if (positions.size(1) < tokens.size(1)) {
    const int64_t after = prd_embedding_.defined() ? 1 : 0;
    positions = at::constant_pad_nd(positions, {0, 0, tokens.size(1) - after - 1, after});
  }
  tokens = tokens + positions;
  const torch::Tensor bias = attention_bias(mask, tokens);
  if (norm_in_) tokens = norm_in_(tokens);
  for (PriorBlock& block : blocks_) tokens = block(tokens, bias);
  return proj_to_clip_embeddings_(norm_out_(tokens.select(1, -1)));  // [B,E]
}

}  // namespace unclip
