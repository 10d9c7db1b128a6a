// The image embedding of Stable Diffusion's unCLIP models, noised.
#include "decoder/image_noising.h"

#include "nn/timestep_embedding.h"

namespace unclip {

StableUnCLIPImageNormalizerConfig StableUnCLIPImageNormalizerConfig::from(const Config& config) {
  StableUnCLIPImageNormalizerConfig c;
  config.fill("embedding_dim", c.embedding_dim, kWidths);
  if (c.embedding_dim % 2 != 0) config.refuse("embedding_dim", "an even number");
  return c;
}

StableUnCLIPImageNormalizerImpl::StableUnCLIPImageNormalizerImpl(const StableUnCLIPImageNormalizerConfig& c)
    : config(c) {
  mean_ = empty_parameter(*this, "mean", {1, c.embedding_dim});
  std_ = empty_parameter(*this, "std", {1, c.embedding_dim});
}

torch::Tensor StableUnCLIPImageNormalizerImpl::scale(const torch::Tensor& embedding) const {
  return (embedding - mean_.to(torch::kFloat32)) / std_.to(torch::kFloat32);
}

torch::Tensor StableUnCLIPImageNormalizerImpl::unscale(const torch::Tensor& embedding) const {
  return embedding * std_.to(torch::kFloat32) + mean_.to(torch::kFloat32);
}

torch::Tensor noise_embedding(const StableUnCLIPImageNormalizer& normalizer, const torch::Tensor& embedding,
                              const torch::Tensor& noise, const NoiseLevels& levels) {
  const torch::Tensor alpha_bar = levels.alpha_bars.unsqueeze(1);  // [B,1]
  // The forward process (arXiv:2006.11239, eq. 4)
  const torch::Tensor noised =
      alpha_bar.sqrt() * normalizer->scale(embedding) + (1 - alpha_bar).sqrt() * noise;
  const torch::Tensor level =
      timestep_embedding(levels.timesteps, embedding.size(1), /*flip_sin_to_cos=*/true, /*freq_shift=*/0);
  return at::cat({normalizer->unscale(noised), level}, 1);  // [B,2D]
}

}  // namespace unclip
