// CLIP's vision tower, alone or with its projection into the space shared with texts: what unCLIP calls the
// image embedding (Radford et al. 2021, arXiv:2103.00020). The reference's CLIPVisionModel and
// CLIPVisionModelWithProjection.
//
// Symbols: B batch, C channels, S side of the image, N patches, D hidden width, P projection width.
#pragma once

#include "nn/clip_encoder.h"

namespace unclip {

struct CLIPVisionConfig {
  ClipEncoderConfig encoder{.hidden_size = 768, .intermediate_size = 3072, .num_attention_heads = 12};
  int64_t projection_dim = 512;  // P
  int64_t num_channels = 3;      // C
  int64_t image_size = 224;      // S, pixels
  int64_t patch_size = 32;       // pixels a side; N = ⌊S / this⌋²

  // Absent keys get the reference's defaults; unknown settings throw Error(model).
  static CLIPVisionConfig from(const Config& config);
};

class CLIPVisionModelImpl : public torch::nn::Module {
 public:
  explicit CLIPVisionModelImpl(const CLIPVisionConfig& config);

  // pixels [B,C,S,S], normalized by CLIP's mean and deviation, any floating dtype → what the tower read of
  // the whole image, [B,D] in the weights' dtype.
  torch::Tensor forward(const torch::Tensor& pixels);

  const CLIPVisionConfig config;

 private:
  torch::Tensor class_embedding_;  // [D]
  Conv2d patch_embedding_;
  Embedding position_embedding_;
  LayerNorm pre_layernorm_, post_layernorm_;
  ClipEncoder encoder_;
};
TORCH_MODULE(CLIPVisionModel);

class CLIPVisionModelWithProjectionImpl : public CLIPVisionModelImpl {
 public:
  explicit CLIPVisionModelWithProjectionImpl(const CLIPVisionConfig& config);

  // The same, projected: the image embedding [B,P].
  torch::Tensor forward(const torch::Tensor& pixels);

 private:
  Linear visual_projection_;
};
TORCH_MODULE(CLIPVisionModelWithProjection);

}  // namespace unclip
