// How the decoder is told the image embedding and the text (unCLIP, arXiv:2204.06125, section 2.1): added to
// the time embedding, and as extra tokens before the text's. The reference's UnCLIPTextProjModel.
//
// Symbols: B batch, L text tokens, X extra tokens, E embedding width, T time width, D context width.
#pragma once

#include "checkpoint/config.h"
#include "nn/layers.h"

namespace unclip {

struct UnCLIPTextProjConfig {
  int64_t clip_extra_context_tokens = 4;  // X
  int64_t clip_embeddings_dim = 768;      // E
  int64_t time_embed_dim = 0;             // T, required
  int64_t cross_attention_dim = 0;        // D, required

  static UnCLIPTextProjConfig from(const Config& config);
};

struct DecoderConditioning {
  torch::Tensor context;  // [B,X+L,D]
  torch::Tensor time;     // [B,T], joins the time embedding
};

class UnCLIPTextProjModelImpl : public torch::nn::Module {
 public:
  explicit UnCLIPTextProjModelImpl(const UnCLIPTextProjConfig& config);

  // image_embedding [B,E], or [B/2,E] with `guidance`: the learned empty embedding then stands for the first
  // half. text_embedding [B,E]; text_sequence [B,L,E].
  DecoderConditioning forward(torch::Tensor image_embedding, const torch::Tensor& text_embedding,
                              const torch::Tensor& text_sequence, bool guidance);

  // Changes the layers that take the image embedding, so that they give for an embedding what they gave for
  // (embedding − mean) / deviation, both [1,E]; the empty embedding becomes the mean.
  void standardise(const torch::Tensor& mean, const torch::Tensor& deviation);

  const UnCLIPTextProjConfig config;
  torch::Tensor learned_classifier_free_guidance_embeddings;  // [E]

 private:
  Linear embedding_proj_, clip_image_embeddings_project_to_time_embeddings_;
  Linear clip_extra_context_tokens_proj_, encoder_hidden_states_proj_;
  LayerNorm text_encoder_hidden_states_norm_;
};
TORCH_MODULE(UnCLIPTextProjModel);

}  // namespace unclip
