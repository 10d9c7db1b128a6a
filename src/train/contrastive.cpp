// The contrastive loss (see the header).
#include "train/contrastive.h"

#include <torch/types.h>

#include <cmath>

namespace unclip {
namespace {

constexpr double kSharpest = 100;  // the temperature's limit, as in the paper

torch::Tensor unit(const torch::Tensor& x) {
  const torch::Tensor wide = x.to(torch::kFloat32);
  return wide / wide.norm(2, -1, true);
}

}  // namespace

torch::Tensor first_log_scale() { return torch::full({1}, std::log(1 / 0.07)); }

torch::Tensor contrastive_loss(const torch::Tensor& images, const torch::Tensor& texts,
                               const torch::Tensor& log_scale, const HardNegatives& hard_negatives) {
  const torch::Tensor scale = log_scale.to(torch::kFloat32).exp().clamp_max(kSharpest);
  const torch::Tensor of_images = unit(images);                                 // [B,P]
  const torch::Tensor logits = scale * at::matmul(of_images, unit(texts).t());  // [B,B]
  torch::Tensor choices = logits;                                               // of an image
  if (hard_negatives.embeddings.defined()) {
    const torch::Tensor more =
        scale * at::matmul(unit(hard_negatives.embeddings), of_images.unsqueeze(2)).squeeze(2);  // [B,K]
    choices = at::cat({logits, more.masked_fill(hard_negatives.absent, -INFINITY)}, 1);
  }
  const torch::Tensor own = at::arange(logits.size(0), logits.options().dtype(torch::kInt64));
  return (at::cross_entropy_loss(choices, own) + at::cross_entropy_loss(logits.t(), own)) / 2;
}

}  // namespace unclip
