// Muon's update (see the header).
#include "train/muon.h"

#include <cmath>

namespace unclip {
namespace {

constexpr double kMomentum = 0.95;

// Singular values of 0 … 1 to about 1 by a polynomial of odd degree, five times; the coefficients rise
// steeply at 0 and let values end between 0.7 and 1.2, which serves as well as 1 (Jordan et al. 2024).
constexpr int kIterations = 5;
constexpr double kLinear = 3.4445, kCubic = -4.7750, kQuintic = 2.0315;

// b G + c G² of a step x ← (a + b G + c G²) x, where G = xxᵀ [M,M].
torch::Tensor polynomial(const torch::Tensor& gram) { return at::addmm(gram, gram, gram, kCubic, kQuintic); }

// Of a wide x [M,N] with a norm of one.
torch::Tensor with_equal_singular_values(torch::Tensor x) {
  for (int i = 0; i < kIterations; ++i) x = at::addmm(x, polynomial(x.mm(x.t())), x, kLinear);
  return x;
}

// The same with products of [M,M] alone but for the first and the last: each step multiplies x by a
// polynomial of G, and these commute. A convolution's x is nine times as wide as high, so that a third of the
// work is left. G's small values are squares: float32 has digits enough for them, bfloat16 has not.
torch::Tensor with_equal_singular_values_by_gram(const torch::Tensor& x) {
  torch::Tensor gram = x.mm(x.t()), all;
  for (int i = 0; i < kIterations; ++i) {
    torch::Tensor step = polynomial(gram);
    step.diagonal().add_(kLinear);
    if (i + 1 < kIterations) gram = step.mm(gram).mm(step);
    all = i == 0 ? step : step.mm(all);
  }
  return all.mm(x);
}

}  // namespace

bool is_hidden_matrix(const std::string& name, const torch::Tensor& parameter) {
  const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
  return parameter.dim() >= 2 && !has("embedding") && !has("conv_in") && !has("conv_out");
}

torch::Tensor muon_update(const torch::Tensor& gradient, const torch::Tensor& momentum, torch::Dtype dtype) {
  momentum.lerp_(gradient, 1 - kMomentum);
  const torch::Tensor matrix = gradient.lerp(momentum, kMomentum).flatten(1);
  const bool tall = matrix.size(0) > matrix.size(1);
  torch::Tensor x = (tall ? matrix.t() : matrix).to(dtype);
  x = x / x.norm().clamp_min(1e-7);
  const bool by_gram = dtype == torch::kFloat32 && x.size(1) >= 2 * x.size(0);
  x = by_gram ? with_equal_singular_values_by_gram(x) : with_equal_singular_values(x);
  const double scale = 0.2 * std::sqrt(static_cast<double>(x.size(1)));  // the longer side
  return ((tall ? x.t() : x).to(torch::kFloat32) * scale).reshape(gradient.sizes());
}

}  // namespace unclip
