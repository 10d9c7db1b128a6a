// Kandinsky 2.1's text encoder.
#include "text_encoder/multilingual_clip.h"

#include <torch/nn/modules/container/modulelist.h>

#include "nn/attention.h"

namespace unclip {
namespace {

std::shared_ptr<torch::nn::Module> child_of(torch::nn::Module& owner, const char* name) {
  return owner.register_module(name, std::make_shared<torch::nn::Module>());
}

}  // namespace

MultilingualCLIPConfig MultilingualCLIPConfig::from(const Config& config) {
  MultilingualCLIPConfig c;
  config.fill("vocab_size", c.vocab_size, kEntries);
  config.fill("hidden_size", c.hidden_size, kWidths);
  config.fill("num_hidden_layers", c.num_hidden_layers, kDepths);
  config.fill("num_attention_heads", c.num_attention_heads, kWidths);
  config.fill("intermediate_size", c.intermediate_size, kWidths);
  config.fill("max_position_embeddings", c.max_position_embeddings, kEntries);
  config.fill("type_vocab_size", c.type_vocab_size, kEntries);
  config.fill("pad_token_id", c.pad_token_id, {0, static_cast<double>(c.max_position_embeddings - 1)});
  config.fill("layer_norm_eps", c.layer_norm_eps, kEpsilons);
  c.projection_dim = config.get("numDims", config.get("imageDimSize", c.projection_dim, kWidths), kWidths);
  const auto pooled =
      config.get("transformerDimensions", config.get<int64_t>("transformerDimSize", 1024, kWidths), kWidths);
  if (pooled != c.hidden_size)
    throw Error(ExitCode::model, config.origin() + ": \"transformerDimensions\" is " +
                                     std::to_string(pooled) + ", expected \"hidden_size\", " +
                                     std::to_string(c.hidden_size));
  config.expect("hidden_act", "gelu");
  config.expect("position_embedding_type", "absolute");
  for (const char* decoding : {"is_decoder", "add_cross_attention"}) config.expect(decoding, false);
  if (c.hidden_size % c.num_attention_heads != 0)
    config.refuse("num_attention_heads", "a divisor of \"hidden_size\", " + std::to_string(c.hidden_size));
  return c;
}

XlmRobertaLayerImpl::XlmRobertaLayerImpl(const MultilingualCLIPConfig& c)
    : heads(c.num_attention_heads),
      query(c.hidden_size, c.hidden_size),
      key(c.hidden_size, c.hidden_size),
      value(c.hidden_size, c.hidden_size),
      attention_out(c.hidden_size, c.hidden_size),
      attention_norm(c.hidden_size, c.layer_norm_eps),
      widen(c.hidden_size, c.intermediate_size),
      narrow(c.intermediate_size, c.hidden_size),
      norm(c.hidden_size, c.layer_norm_eps) {
  const auto attention = child_of(*this, "attention"), self = child_of(*attention, "self");
  self->register_module("query", query);
  self->register_module("key", key);
  self->register_module("value", value);
  const auto attention_output = child_of(*attention, "output");
  attention_output->register_module("dense", attention_out);
  attention_output->register_module("LayerNorm", attention_norm);
  child_of(*this, "intermediate")->register_module("dense", widen);
  const auto output = child_of(*this, "output");
  output->register_module("dense", narrow);
  output->register_module("LayerNorm", norm);
}

torch::Tensor XlmRobertaLayerImpl::forward(const torch::Tensor& x, const torch::Tensor& bias) {
  const torch::Tensor h =
      attention_norm(x + attention_out(attend(query(x), key(x), value(x), heads, bias)));  // [B,L,D]
  return norm(h + narrow(at::gelu(widen(h))));
}

MultilingualCLIPImpl::MultilingualCLIPImpl(const MultilingualCLIPConfig& c)
    : config(c),
      word_embeddings_(c.vocab_size, c.hidden_size),
      position_embeddings_(c.max_position_embeddings, c.hidden_size),
      token_type_embeddings_(c.type_vocab_size, c.hidden_size),
      embedding_norm_(c.hidden_size, c.layer_norm_eps),
      pooler_(c.hidden_size, c.hidden_size),
      projection_(c.hidden_size, c.projection_dim) {
  const auto transformer = child_of(*this, "transformer"), embeddings = child_of(*transformer, "embeddings");
  embeddings->register_module("word_embeddings", word_embeddings_);
  embeddings->register_module("position_embeddings", position_embeddings_);
  embeddings->register_module("token_type_embeddings", token_type_embeddings_);
  embeddings->register_module("LayerNorm", embedding_norm_);
  auto list = child_of(*transformer, "encoder")->register_module("layer", torch::nn::ModuleList());
  for (int64_t i = 0; i < c.num_hidden_layers; ++i) list->push_back(layers_.emplace_back(c));
  child_of(*transformer, "pooler")->register_module("dense", pooler_);
  register_module("LinearTransformation", projection_);
}

TextFeatures MultilingualCLIPImpl::forward(const torch::Tensor& ids, const torch::Tensor& mask) {
  // Positions count the tokens from pad_token_id + 1 on; padding stays at pad_token_id itself.
  const torch::Tensor is_token = (ids != config.pad_token_id).to(torch::kInt64);             // [B,L]
  const torch::Tensor positions = at::cumsum(is_token, 1) * is_token + config.pad_token_id;  // [B,L]
  torch::Tensor x = embedding_norm_(word_embeddings_(ids) + token_type_embeddings_->weight[0] +
                                    position_embeddings_(positions));  // [B,L,D]
  const torch::Tensor keep = mask.to(x.scalar_type());
  const torch::Tensor bias = torch::zeros_like(keep)
                                 .masked_fill(mask == 0, -std::numeric_limits<double>::infinity())
                                 .unsqueeze(1)
                                 .unsqueeze(1);  // [B,1,1,L]
  for (XlmRobertaLayer& layer : layers_) x = layer(x, bias);
  const torch::Tensor mean = (x * keep.unsqueeze(2)).sum(1) / keep.sum(1, /*keepdim=*/true);  // [B,D]
  return {projection_(mean), x};
}

}  // namespace unclip
