// How Kandinsky's decoders are told the image embedding, in 2.1 also the text, and a depth map in its
// ControlNet (arXiv:2310.03502, section 3): added to the time embedding, as context tokens, as more channels.
//
// Symbols: B batch, L text tokens, I width of the image embedding, D context width, T time width, S width of
// the text encoder.
#pragma once

#include "checkpoint/config.h"
#include "nn/attention.h"
#include "nn/layers.h"

namespace unclip {

struct ImageConditioningConfig {
  enum class Kind {
    none,        // of this kind: Karlo's decoder has UnCLIPTextProjModel beside it
    text_image,  // Kandinsky 2.1
    image,       // Kandinsky 2.2
    image_hint,  // Kandinsky 2.2 ControlNet
  };

  Kind kind = Kind::none;           // encoder_hid_dim_type and addition_embed_type
  int64_t encoder_hid_dim = 0;      // text_image: S, else I
  int64_t cross_attention_dim = 0;  // D; in text_image also I and the width of the pooled text

  int64_t image_width() const { return kind == Kind::text_image ? cross_attention_dim : encoder_hid_dim; }

  // Throws Error(model) for a pair of types that is not built.
  static ImageConditioningConfig from(const Config& config, int64_t cross_attention_dim);
};

// What a decoder is told, the same at all steps.
struct ImageConditioning {
  ReadContext context;  // of [B,tokens,D]
  torch::Tensor time;   // [B,T], joins the time embedding
  torch::Tensor hint;   // [B,4,h,w], stands beside the sample; undefined but for image_hint
};

// The reference's TextImageProjection and ImageProjection. Keys below encoder_hid_proj.
struct ImageProjectionImpl : torch::nn::Module {
  explicit ImageProjectionImpl(const ImageConditioningConfig& config);
  // image [B,I]; text_sequence [B,L,S] for text_image → [B,10+L,D], else [B,32,D]
  torch::Tensor forward(const torch::Tensor& image, const torch::Tensor& text_sequence);

  int64_t tokens;  // that carry the image embedding
  Linear image_embeds, text_proj{nullptr};
  LayerNorm norm{nullptr};
};
TORCH_MODULE(ImageProjection);

// The reference's TextImageTimeEmbedding, ImageTimeEmbedding and ImageHintTimeEmbedding. Keys below
// add_embedding.
struct ImageTimeEmbeddingImpl : torch::nn::Module {
  ImageTimeEmbeddingImpl(const ImageConditioningConfig& config, int64_t time_width);
  torch::Tensor forward(const torch::Tensor& image, const torch::Tensor& text);  // [B,I], [B,D] → [B,T]
  torch::Tensor encode_hint(torch::Tensor hint);  // [B,3,8h,8w], 0…1 → [B,4,h,w]

  Linear image_proj, text_proj{nullptr};
  LayerNorm image_norm{nullptr}, text_norm{nullptr};
  std::vector<Conv2d> hint_block;  // input_hint_block
};
TORCH_MODULE(ImageTimeEmbedding);

}  // namespace unclip
