// CLIP's text tower.
#include "text_encoder/clip_text_model.h"

#include "nn/attention.h"

namespace unclip {

CLIPTextConfig CLIPTextConfig::from(const Config& config) {
  CLIPTextConfig c;
  c.encoder = ClipEncoderConfig::from(config, {});
  config.fill("vocab_size", c.vocab_size, kEntries);
  config.fill("max_position_embeddings", c.max_position_embeddings, kEntries);
  config.fill("projection_dim", c.projection_dim, kWidths);
  config.fill("eos_token_id", c.eos_token_id, {0, static_cast<double>(c.vocab_size - 1)});
  return c;
}

CLIPTextModelImpl::CLIPTextModelImpl(const CLIPTextConfig& c)
    : config(c),
      token_embedding_(c.vocab_size, c.encoder.hidden_size),
      position_embedding_(c.max_position_embeddings, c.encoder.hidden_size),
      encoder_(c.encoder),
      final_layer_norm_(c.encoder.hidden_size, c.encoder.layer_norm_eps) {
  auto text_model = register_module("text_model", std::make_shared<torch::nn::Module>());
  auto embeddings = text_model->register_module("embeddings", std::make_shared<torch::nn::Module>());
  embeddings->register_module("token_embedding", token_embedding_);
  embeddings->register_module("position_embedding", position_embedding_);
  text_model->register_module("encoder", encoder_);
  text_model->register_module("final_layer_norm", final_layer_norm_);
}

TextFeatures CLIPTextModelImpl::forward(const torch::Tensor& ids, const torch::Tensor& mask) {
  const int64_t length = ids.size(1);
  const torch::Tensor embedded =
      token_embedding_(ids) + position_embedding_->weight.narrow(0, 0, length);  // [B,L,D]
  const double ignored = -std::numeric_limits<double>::infinity();
  torch::Tensor bias = causal_bias(length, ignored, embedded.options().requires_grad(false));   // [L,L]
  if (mask.defined()) bias = bias.masked_fill((mask == 0).unsqueeze(1).unsqueeze(1), ignored);  // [B,1,L,L]
  const torch::Tensor sequence = final_layer_norm_(encoder_(embedded, bias));                   // [B,L,D]

  // The first end-of-text token has seen the whole text; argmax gives the first of equals.
  const torch::Tensor score = config.eos_token_id == 2 ? ids : (ids == config.eos_token_id).to(torch::kInt64);
  const torch::Tensor end = score.argmax(1).view({-1, 1, 1}).expand({-1, 1, sequence.size(2)});  // [B,1,D]
  return {sequence.gather(1, end).squeeze(1), sequence};
}

CLIPTextModelWithProjectionImpl::CLIPTextModelWithProjectionImpl(const CLIPTextConfig& c)
    : CLIPTextModelImpl(c), text_projection_(c.encoder.hidden_size, c.projection_dim, /*with_bias=*/false) {
  register_module("text_projection", text_projection_);
}

TextFeatures CLIPTextModelWithProjectionImpl::forward(const torch::Tensor& ids, const torch::Tensor& mask) {
  const auto [pooled, sequence] = CLIPTextModelImpl::forward(ids, mask);
  return {text_projection_(pooled), sequence};
}

}  // namespace unclip
