// The diffusion prior's net: a causal transformer that reads the text and a noisy image embedding and
// predicts the clean one (unCLIP, arXiv:2204.06125, section 2.2). The reference's PriorTransformer.
//
// Symbols: B batch, L text tokens, E embedding width, D transformer width.
#pragma once

#include "checkpoint/config.h"
#include "nn/attention.h"
#include "nn/layers.h"
#include "nn/timestep_embedding.h"

namespace unclip {

struct PriorTransformerConfig {
  int64_t num_attention_heads = 32;
  int64_t attention_head_dim = 64;  // D = heads × this
  int64_t num_layers = 20;
  int64_t embedding_dim = 768;        // E
  int64_t num_embeddings = 77;        // L
  int64_t additional_embeddings = 4;  // the tokens after the text; see has_time()
  int64_t embedding_proj_dim = 0;     // width of the text embedding; 0: E
  int64_t clip_embed_dim = 0;         // width of the answer; 0: E
  int64_t time_embed_dim = 0;         // hidden width of the time embedding; 0: D
  bool embedding_proj_norm = false;   // embedding_proj_norm_type: layer
  bool encoder_hid_proj = true;       // encoder_hid_proj_type: linear
  bool added_emb = true;              // added_emb_type: prd, a learned last token that is read out
  bool norm_in = false;               // norm_in_type: layer

  int64_t width() const { return num_attention_heads * attention_head_dim; }

  // The tokens after the text: its embedding, the time, the noisy image embedding, and the learned one where
  // there is one. Priors that answer in one step (ECLIPSE, arXiv:2312.04655) have one less: no time.
  bool has_time() const { return additional_embeddings == 3 + int64_t{added_emb}; }

  // Absent keys get the reference's defaults; unknown settings throw Error(model).
  static PriorTransformerConfig from(const Config& config);
};

// A transformer layer with diffusers' names.
struct PriorBlockImpl : torch::nn::Module {
  PriorBlockImpl(int64_t width, int64_t num_heads);
  // x [B,M,D] comes after the tokens of `known`, to which it is appended; bias [B,1,M,known + M] or
  // undefined.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& bias, KeysAndValues& known);

  int64_t heads;
  LayerNorm norm1, norm3;
  Linear to_q, to_k, to_v, to_out;  // attn1
  Linear proj_in, proj_out;         // ff.net.0.proj, ff.net.2
};
TORCH_MODULE(PriorBlock);

// The tokens that are the same at every step: the text and its embedding, T = L + 1.
struct PriorText {
  torch::Tensor tokens;  // [B,T,D]
  torch::Tensor bias;    // [B,1,L+4,L+4] of attention between all tokens; undefined: none
  ReadContext known;     // of each layer, where they were read; else empty
};

class PriorTransformerImpl : public torch::nn::Module {
 public:
  explicit PriorTransformerImpl(const PriorTransformerConfig& config);

  // text_embedding [B,embedding_proj_dim]; text_sequence [B,L,E], without encoder_hid_proj [B,L,D], undefined
  // where L is 0; mask [B,L], 1 keep and 0 ignore, or undefined: then, as in the reference, attention is not
  // causal either. With a mask L may be smaller than num_embeddings, where the rest is padding: the answer is
  // the same. Floating tensors in the weights' dtype.
  PriorText embed(const torch::Tensor& text_embedding, const torch::Tensor& text_sequence,
                  const torch::Tensor& mask);

  // The same, for many steps. Where attention is causal the text never sees what follows it, so that all
  // layers read it once, and a step computes the last three tokens alone.
  PriorText read(const torch::Tensor& text_embedding, const torch::Tensor& text_sequence,
                 const torch::Tensor& mask);

  // x [B,E], the noisy image embedding; timestep [] or [B], unused without has_time(). Gives the predicted
  // embedding [B,clip_embed_dim]. After read() x may be [M·B,E], the whole batch M times: M noises share what
  // was read of a text.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& timestep, const PriorText& text);

  // From the normalized space that the net works in to CLIP's: x · clip_std + clip_mean.
  torch::Tensor post_process_latents(const torch::Tensor& x) const { return x * clip_std + clip_mean; }

  const PriorTransformerConfig config;  // every width filled in
  torch::Tensor clip_mean, clip_std;    // [1,clip_embed_dim]

 private:
  torch::Tensor attention_bias(const torch::Tensor& mask, const torch::TensorOptions& options) const;

  TimestepEmbedding time_embedding_{nullptr};
  Linear proj_in_, embedding_proj_, encoder_hidden_states_proj_{nullptr}, proj_to_clip_embeddings_;
  LayerNorm embedding_proj_norm_{nullptr}, norm_in_{nullptr}, norm_out_;
  torch::Tensor positional_embedding_, prd_embedding_;
  std::vector<PriorBlock> blocks_;
};
TORCH_MODULE(PriorTransformer);

}  // namespace unclip
