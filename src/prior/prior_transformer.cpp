// The diffusion prior's net.
#include "prior/prior_transformer.h"

#include <torch/nn/modules/container/modulelist.h>

namespace unclip {
namespace {

constexpr double kIgnored = -10000.0;  // as the prior was trained, not −∞

// A setting that is absent (null) or has one known value.
bool is_set(const Config& config, const std::string& key, const std::string& known, bool fallback) {
  if (!config.contains(key)) return fallback;
  if (config.has(key)) config.expect(key, known);
  return config.has(key);
}

// Widths that a config leaves open follow from the others.
PriorTransformerConfig filled_in(PriorTransformerConfig c) {
  if (c.embedding_proj_dim == 0) c.embedding_proj_dim = c.embedding_dim;
  if (c.clip_embed_dim == 0) c.clip_embed_dim = c.embedding_dim;
  if (c.time_embed_dim == 0) c.time_embed_dim = c.width();
  return c;
}

// Bias of one noise's tokens, [B,1,K,T+K] → of those of `draws` noises, none of which sees another's:
// [B,1,M·K,T+M·K].
torch::Tensor apart(const torch::Tensor& bias, int64_t draws) {
  const int64_t own = bias.size(2), before = bias.size(3) - own;
  const torch::Tensor to_text = bias.narrow(3, 0, before).repeat({1, 1, draws, 1});
  const torch::Tensor seen =
      at::kron(at::eye(draws, bias.options()), at::ones({own, own}, bias.options()).tril());  // [M·K,M·K]
  const torch::Tensor to_own = ((1 - seen) * kIgnored).expand({bias.size(0), 1, -1, -1});
  return at::cat({to_text, to_own}, 3);
}

}  // namespace

PriorTransformerConfig PriorTransformerConfig::from(const Config& config) {
  PriorTransformerConfig c;
  config.fill("num_attention_heads", c.num_attention_heads, kWidths);
  config.fill("attention_head_dim", c.attention_head_dim, kWidths);
  config.fill("num_layers", c.num_layers, kDepths);
  config.fill("embedding_dim", c.embedding_dim, kWidths);
  config.fill("num_embeddings", c.num_embeddings, {0, kWidths.most});
  config.fill("additional_embeddings", c.additional_embeddings, kWidths);
  c.embedding_proj_dim = config.find<int64_t>("embedding_proj_dim", kWidths).value_or(0);
  c.clip_embed_dim = config.find<int64_t>("clip_embed_dim", kWidths).value_or(0);
  c.time_embed_dim = config.find<int64_t>("time_embed_dim", kWidths).value_or(0);
  c.embedding_proj_norm = is_set(config, "embedding_proj_norm_type", "layer", c.embedding_proj_norm);
  c.encoder_hid_proj = is_set(config, "encoder_hid_proj_type", "linear", c.encoder_hid_proj);
  c.added_emb = is_set(config, "added_emb_type", "prd", c.added_emb);
  c.norm_in = is_set(config, "norm_in_type", "layer", c.norm_in);
  config.expect("time_embed_act_fn", "silu");
  const int64_t with_time = c.added_emb ? 4 : 3;
  if (c.additional_embeddings != with_time && c.additional_embeddings != with_time - 1)
    config.refuse("additional_embeddings", std::to_string(with_time) + ", or " +
                                               std::to_string(with_time - 1) + " without a time token");
  if (c.width() % 2 != 0 || static_cast<double>(c.width()) > kWidths.most)
    config.refuse("attention_head_dim", "with \"num_attention_heads\" an even width of at most 65536");
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

torch::Tensor PriorBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& bias,
                                      KeysAndValues& known) {
  const torch::Tensor normed = norm1(x);
  known.append({to_k(normed), to_v(normed)});
  const torch::Tensor h = x + to_out(attend(to_q(normed), known.keys, known.values, heads, bias));
  return h + proj_out(at::gelu(proj_in(norm3(h))));  // [B,M,D]
}

PriorTransformerImpl::PriorTransformerImpl(const PriorTransformerConfig& c)
    : config(filled_in(c)),
      proj_in_(config.embedding_dim, config.width()),
      embedding_proj_(config.embedding_proj_dim, config.width()),
      proj_to_clip_embeddings_(config.width(), config.clip_embed_dim),
      norm_out_(config.width()) {
  const int64_t width = config.width();
  if (config.has_time())
    time_embedding_ =
        register_module("time_embedding", TimestepEmbedding(width, config.time_embed_dim, width));
  register_module("proj_in", proj_in_);
  if (config.embedding_proj_norm)
    embedding_proj_norm_ = register_module("embedding_proj_norm", LayerNorm(config.embedding_proj_dim));
  register_module("embedding_proj", embedding_proj_);
  if (config.encoder_hid_proj)
    encoder_hidden_states_proj_ =
        register_module("encoder_hidden_states_proj", Linear(config.embedding_dim, width));
  positional_embedding_ = empty_parameter(*this, "positional_embedding",
                                          {1, config.num_embeddings + config.additional_embeddings, width});
  if (config.added_emb) prd_embedding_ = empty_parameter(*this, "prd_embedding", {1, 1, width});
  auto list = register_module("transformer_blocks", torch::nn::ModuleList());
  for (int64_t i = 0; i < config.num_layers; ++i) {
    blocks_.emplace_back(width, config.num_attention_heads);
    list->push_back(blocks_.back());
  }
  if (config.norm_in) norm_in_ = register_module("norm_in", LayerNorm(width));
  register_module("norm_out", norm_out_);
  register_module("proj_to_clip_embeddings", proj_to_clip_embeddings_);
  clip_mean = empty_parameter(*this, "clip_mean", {1, config.clip_embed_dim});
  clip_std = empty_parameter(*this, "clip_std", {1, config.clip_embed_dim});
}

// Causal over all tokens; padding of the text is ignored on top of it.
torch::Tensor PriorTransformerImpl::attention_bias(const torch::Tensor& mask,
                                                   const torch::TensorOptions& options) const {
  if (!mask.defined()) return {};
  const torch::Tensor padding =
      at::constant_pad_nd((1 - mask.to(options)) * kIgnored, {0, config.additional_embeddings});  // [B,L+4]
  return padding.unsqueeze(1).unsqueeze(1) +
         causal_bias(padding.size(1), kIgnored, options);  // [B,1,L+4,L+4]
}

PriorText PriorTransformerImpl::embed(const torch::Tensor& text_embedding, const torch::Tensor& text_sequence,
                                      const torch::Tensor& mask) {
  std::vector<torch::Tensor> parts;  // [B,·,D] each
  if (text_sequence.defined())
    parts.push_back(encoder_hidden_states_proj_ ? encoder_hidden_states_proj_(text_sequence) : text_sequence);
  const torch::Tensor text = embedding_proj_norm_ ? embedding_proj_norm_(text_embedding) : text_embedding;
  parts.push_back(embedding_proj_(text).unsqueeze(1));
  torch::Tensor tokens = at::cat(parts, 1);  // [B,T,D]
  const int64_t length = tokens.size(1) - 1;
  tokens = tokens + at::cat({positional_embedding_.narrow(1, 0, length),
                             positional_embedding_.narrow(1, config.num_embeddings, 1)},
                            1);
  return {tokens, attention_bias(mask, tokens.options().requires_grad(false)), {}};
}

PriorText PriorTransformerImpl::read(const torch::Tensor& text_embedding, const torch::Tensor& text_sequence,
                                     const torch::Tensor& mask) {
  PriorText text = embed(text_embedding, text_sequence, mask);
  if (!text.bias.defined()) return text;
  const int64_t length = text.tokens.size(1);
  const torch::Tensor bias = text.bias.narrow(2, 0, length).narrow(3, 0, length);
  torch::Tensor tokens = norm_in_ ? norm_in_(text.tokens) : text.tokens;
  for (PriorBlock& block : blocks_) tokens = block(tokens, bias, text.known.emplace_back());
  return text;
}

torch::Tensor PriorTransformerImpl::forward(const torch::Tensor& x, const torch::Tensor& timestep,
                                            const PriorText& text) {
  const int64_t batch = x.size(0), before = text.tokens.size(1), times = batch / text.tokens.size(0);  // M
  std::vector<torch::Tensor> parts;  // [B,1,D] each
  if (time_embedding_) {
    const torch::Tensor sinusoid = timestep_embedding(timestep.expand({batch}), config.width(), true, 0);
    parts.push_back(time_embedding_(sinusoid.to(x.scalar_type())).unsqueeze(1));
  }
  parts.push_back(proj_in_(x).unsqueeze(1));
  if (prd_embedding_.defined()) parts.push_back(prd_embedding_.expand({batch, -1, -1}));
  torch::Tensor tokens = at::cat(parts, 1);  // [M·B,K,D]
  const int64_t own = tokens.size(1);        // K
  tokens = tokens + positional_embedding_.narrow(1, config.num_embeddings + 1, own);

  ReadContext known = text.known;                   // so that they stay as they are
  const int64_t draws = known.empty() ? 1 : times;  // that stand in one row
  torch::Tensor bias = text.bias;
  if (known.empty()) {
    tokens = at::cat({text.tokens.repeat({times, 1, 1}), tokens}, 1);  // [M·B,T+K,D]
    known.resize(blocks_.size());
  } else {
    tokens = tokens.unflatten(0, {draws, -1}).transpose(0, 1).flatten(1, 2);  // [B,M·K,D]
    bias = bias.narrow(2, before, own);                                       // [B,1,K,T+K]
    if (draws > 1) bias = apart(bias, draws);
  }
  if (norm_in_) tokens = norm_in_(tokens);
  for (size_t i = 0; i < blocks_.size(); ++i) tokens = blocks_[i](tokens, bias, known[i]);
  const torch::Tensor last = tokens.narrow(1, tokens.size(1) - own * draws, own * draws)
                                 .unflatten(1, {draws, own})
                                 .select(2, -1)
                                 .transpose(0, 1)
                                 .flatten(0, 1);     // [M·B,D]
  return proj_to_clip_embeddings_(norm_out_(last));  // [M·B,E]
}

}  // namespace unclip
