// What Stable Diffusion's unCLIP models do to an image embedding before their decoder reads it: it is
// normalized, noised up to a level, and joined by that level. Reference: StableUnCLIPImageNormalizer and
// StableUnCLIPPipeline.noise_image_embeddings.
//
// Symbols: B batch, D embedding width.
#pragma once

#include "checkpoint/config.h"
#include "nn/layers.h"

namespace unclip {

struct StableUnCLIPImageNormalizerConfig {
  int64_t embedding_dim = 768;  // D, even

  // Absent keys get the reference's defaults; others throw Error(model).
  static StableUnCLIPImageNormalizerConfig from(const Config& config);
};

class StableUnCLIPImageNormalizerImpl : public torch::nn::Module {
 public:
  explicit StableUnCLIPImageNormalizerImpl(const StableUnCLIPImageNormalizerConfig& config);

  // Between CLIP's embeddings and those of mean 0 and deviation 1; float32 [B,D].
  torch::Tensor scale(const torch::Tensor& embedding) const;
  torch::Tensor unscale(const torch::Tensor& embedding) const;

  const StableUnCLIPImageNormalizerConfig config;

 private:
  torch::Tensor mean_, std_;  // [1,D]
};
TORCH_MODULE(StableUnCLIPImageNormalizer);

// Of each embedding: the timestep up to which it is noised, and ᾱ there.
struct NoiseLevels {
  torch::Tensor timesteps;   // int64 [B]
  torch::Tensor alpha_bars;  // float32 [B]
};

// The noised embedding and, behind it, the sinusoid of its level: float32 [B,2D]. `embedding` and `noise` are
// float32 [B,D].
torch::Tensor noise_embedding(const StableUnCLIPImageNormalizer& normalizer, const torch::Tensor& embedding,
                              const torch::Tensor& noise, const NoiseLevels& levels);

}  // namespace unclip
