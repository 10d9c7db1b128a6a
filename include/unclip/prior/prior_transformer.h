// The diffusion prior's net: a causal transformer that reads the text and a noisy image embedding and
// predicts the clean one (unCLIP, arXiv:2204.06125, section 2.2). The reference's PriorTransformer.
//
// Symbols: B batch, L text tokens, E embedding width, D transformer width.
#pragma once

#include "unclip/checkpoint/config.h"
#include "unclip/nn/layers.h"
#include "unclip/nn/timestep_embedding.h"

namespace unclip {

struct PriorTransformerConfig {
  int64_t num_attention_heads = 32;
  int64_t attention_head_dim = 64;  // D = heads × this
  int64_t num_layers = 20;
  int64_t embedding_dim = 768;  // E
  int64_t num_embeddings = 77;  // L
  int64_t additional_embeddings =
      4;  // text embedding, time, noisy image embedding, and the token that is read out
  int64_t embedding_proj_dim = 0;    // width of the text embedding; 0: E
  int64_t clip_embed_dim = 0;        // width of the answer; 0: E
  int64_t time_embed_dim = 0;        // hidden width of the time embedding; 0: D
  bool embedding_proj_norm = false;  // embedding_proj_norm_type: layer
  bool encoder_hid_proj = true;  // encoder_hid_proj_type: linear; without it only the text embedding is read
  bool added_emb = true;         // added_emb_type: prd, a learned last token; else the embedding's own token
  bool norm_in = false;          // norm_in_type: layer

  // Absent keys get the reference's defaults; unknown settings throw Error(model).
  static PriorTransformerConfig from(const Config& config);
};

// A transformer layer with diffusers' names.
struct PriorBlockImpl : torch::nn::Module {
  PriorBlockImpl(int64_t width, int64_t num_heads);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& bias);

  int64_t heads;
  LayerNorm norm1, norm3;
  Linear to_q, to_k, to_v, to_out;  // attn1
  Linear proj_in, proj_out;         // ff.net.0.proj, ff.net.2
};
TORCH_MODULE(PriorBlock);

class PriorTransformerImpl : public torch::nn::Module {
 public:
  explicit PriorTransformerImpl(const PriorTransformerConfig& config);

  // x [B,E], the noisy image embedding; timestep [] or [B]; text_embedding [B,E]; text_sequence [B,L,E]; mask
  // [B,L], 1 keep and 0 ignore, or undefined. Floating tensors in the weights' dtype. Gives the predicted
  // embedding [B,E].
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& timestep,
                        const torch::Tensor& text_embedding, const torch::Tensor& text_sequence,
                        const torch::Tensor& mask = {});

  // From the normalised space that the net works in to CLIP's: x · clip_std + clip_mean.
  torch::Tensor post_process_latents(const torch::Tensor& x) const { return x * clip_std + clip_mean; }

  const PriorTransformerConfig config;
  torch::Tensor clip_mean, clip_std;  // [1,E]

 private:
  torch::Tensor attention_bias(const torch::Tensor& mask, const torch::Tensor& tokens) const;

  TimestepEmbedding time_embedding_;
  Linear proj_in_, embedding_proj_, encoder_hidden_states_proj_{nullptr}, proj_to_clip_embeddings_;
  LayerNorm embedding_proj_norm_{nullptr}, norm_in_{nullptr}, norm_out_;
  torch::Tensor positional_embedding_, prd_embedding_;
  std::vector<PriorBlock> blocks_;
};
TORCH_MODULE(PriorTransformer);

}  // namespace unclip
