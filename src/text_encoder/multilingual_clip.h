// Kandinsky 2.1's text encoder: XLM-RoBERTa (Conneau et al. 2020, arXiv:1911.02116), trained to land where
// CLIP's text tower does (Carlsson et al. 2022, "Cross-lingual and Multilingual CLIP"). The reference's
// MultilingualCLIP.
//
// Symbols: B batch, L tokens, D hidden width, P projection width.
#pragma once

#include "checkpoint/config.h"
#include "nn/layers.h"
#include "text_encoder/text_features.h"

namespace unclip {

struct MultilingualCLIPConfig {
  int64_t vocab_size = 30522;
  int64_t hidden_size = 768;  // D
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  int64_t max_position_embeddings = 512;  // the first ones, up to pad_token_id, stand for no token
  int64_t type_vocab_size = 2;
  int64_t pad_token_id = 1;
  double layer_norm_eps = 1e-12;
  int64_t projection_dim = 768;  // P; numDims, or imageDimSize in older configs

  // Absent keys get the reference's defaults; settings that are not built throw Error(model).
  static MultilingualCLIPConfig from(const Config& config);
};

// A transformer layer with its norms after the residuals.
struct XlmRobertaLayerImpl : torch::nn::Module {
  explicit XlmRobertaLayerImpl(const MultilingualCLIPConfig& config);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& bias);  // [B,L,D] → the same

  int64_t heads;
  Linear query, key, value, attention_out;  // attention.self.*, attention.output.dense
  LayerNorm attention_norm;                 // attention.output.LayerNorm
  Linear widen, narrow;                     // intermediate.dense, output.dense
  LayerNorm norm;                           // output.LayerNorm
};
TORCH_MODULE(XlmRobertaLayer);

class MultilingualCLIPImpl : public torch::nn::Module {
 public:
  explicit MultilingualCLIPImpl(const MultilingualCLIPConfig& config);

  // ids int64 [B,L], L + pad_token_id < max_position_embeddings; mask [B,L], 1 keep and 0 ignore. `pooled` is
  // the mean over the tokens that are kept, projected.
  TextFeatures forward(const torch::Tensor& ids, const torch::Tensor& mask);

  const MultilingualCLIPConfig config;

 private:
  Embedding word_embeddings_, position_embeddings_, token_type_embeddings_;
  LayerNorm embedding_norm_;
  std::vector<XlmRobertaLayer> layers_;
  Linear pooler_;  // XLM-R's own, which checkpoints hold; nothing reads it
  Linear projection_;
};
TORCH_MODULE(MultilingualCLIP);

}  // namespace unclip
