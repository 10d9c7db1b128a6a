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
  for (int i = 0; i < kIterations; ++i) {
    const torch::Tensor gram = x.mm(x.t());
    x = at::addmm(x, at::addmm(gram, gram, gram, kCubic, kQuintic), x, kLinear);
  }
  const double scale = 0.2 * std::sqrt(static_cast<double>(x.size(1)));  // the longer side
  return ((tall ? x.t() : x).to(torch::kFloat32) * scale).reshape(gradient.sizes());
}

}  // namespace unclip
