// CLIP's text tower, alone or with its projection into the space shared with images (Radford et al. 2021,
// arXiv:2103.00020). The reference's CLIPTextModel and CLIPTextModelWithProjection.
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

class CLIPTextModelImpl : public torch::nn::Module {
 public:
  explicit CLIPTextModelImpl(const CLIPTextConfig& config);

  // ids int64 [B,L], L ≤ max_position_embeddings. `mask` [B,L], 1 keep and 0 ignore, or undefined: pipelines
  // let the text tower see the padding. Pooled: the row of the first end-of-text token, [B,D].
  TextFeatures forward(const torch::Tensor& ids, const torch::Tensor& mask = {});

  const CLIPTextConfig config;

 private:
  Embedding token_embedding_, position_embedding_;
  ClipEncoder encoder_;
  LayerNorm final_layer_norm_;
};
TORCH_MODULE(CLIPTextModel);

class CLIPTextModelWithProjectionImpl : public CLIPTextModelImpl {
 public:
  explicit CLIPTextModelWithProjectionImpl(const CLIPTextConfig& config);

  // The same, with the pooled row projected: [B,P].
  TextFeatures forward(const torch::Tensor& ids, const torch::Tensor& mask = {});

 private:
  Linear text_projection_;
};
TORCH_MODULE(CLIPTextModelWithProjection);

}  // namespace unclip
