// The Fréchet distance (see the header).
#include "frechet.h"

#include <torch/types.h>

#include <algorithm>

namespace unclip {

double frechet_distance(const torch::Tensor& a, const torch::Tensor& b) {
  const torch::Tensor x = a.to(torch::kFloat64), y = b.to(torch::kFloat64);
  const torch::Tensor sx = at::cov(x.t()), sy = at::cov(y.t());  // [D,D]
  // (Σx Σy)^½ has the trace of (Σx^½ Σy Σx^½)^½, whose argument is symmetric and never negative but for
  // rounding.
  const auto [values, axes] = at::linalg_eigh(sx);
  const torch::Tensor root = at::matmul(axes * values.clamp_min(0).sqrt(), axes.t());
  const torch::Tensor shared = at::linalg_eigvalsh(at::matmul(at::matmul(root, sy), root)).clamp_min(0);
  const torch::Tensor distance =
      (x.mean(0) - y.mean(0)).square().sum() + sx.trace() + sy.trace() - 2 * shared.sqrt().sum();
  return std::max(distance.item<double>(), 0.0);
}

}  // namespace unclip
