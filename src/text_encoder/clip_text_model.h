// CLIP's text tower with its projection into the space shared with images (Radford et al. 2021,
// arXiv:2103.00020). The reference's CLIPTextModelWithProjection.
//
// Symbols: B batch, L tokens, D hidden width, P projection width.
#pragma once

#include "nn/clip_encoder.h"
#include "text_encoder/text_features.h"

namespace unclip {

struct CLIPTextConfig {
  ClipEncoderConfig encoder;
  int64_t vocab_size = 49408;
  int64_t max_position_embeddings = 77;
  int64_t projection_dim = 512;  // P
  int64_t eos_token_id = 49407;  // 2 is an old mistake in configs, and means: pool at the largest id

  static CLIPTextConfig from(const Config& config);
};

class CLIPTextModelWithProjectionImpl : public torch::nn::Module {
 public:
  explicit CLIPTextModelWithProjectionImpl(const CLIPTextConfig& config);

  // ids int64 [B,L], L ≤ max_position_embeddings. `mask` [B,L], 1 keep and 0 ignore, or undefined: unCLIP
  // pipelines let the text tower see the padding.
  TextFeatures forward(const torch::Tensor& ids, const torch::Tensor& mask = {});

  const CLIPTextConfig config;

 private:
  Embedding token_embedding_, position_embedding_;
  ClipEncoder encoder_;
  LayerNorm final_layer_norm_;
  Linear text_projection_;
};
TORCH_MODULE(CLIPTextModelWithProjection);

}  // namespace unclip
