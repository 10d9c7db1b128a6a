// The leaves of every net (see the header for why they are not torch::nn's).
#include "nn/layers.h"

#include <torch/utils.h>

#include "nn/awaiting_weights.h"
#include "nn/fused_group_norm.h"
#include "nn/packing.h"

namespace unclip {

torch::Tensor empty_parameter(torch::nn::Module& owner, const std::string& name, at::IntArrayRef shape) {
  return owner.register_parameter(name, AwaitingWeights::parameter(shape), /*requires_grad=*/false);
}

LinearImpl::LinearImpl(int64_t in_features, int64_t out_features, bool with_bias) {
  weight = empty_parameter(*this, "weight", {out_features, in_features});
  if (with_bias) bias = empty_parameter(*this, "bias", {out_features});
}

torch::Tensor LinearImpl::forward(const torch::Tensor& x) {
  return packs ? packed_linear(*this, x) : at::linear(x, weight, bias);
}

void LinearImpl::reset_parameters() {
  torch::NoGradGuard no_grad;
  const double bound = 1.0 / std::sqrt(static_cast<double>(weight.size(1)));
  weight.uniform_(-bound, bound);
  if (bias.defined()) bias.uniform_(-bound, bound);
}

Conv2dImpl::Conv2dImpl(int64_t in_channels, int64_t out_channels, int64_t kernel, int64_t stride_,
                       int64_t padding_, bool with_bias)
    : stride(stride_), padding(padding_) {
  weight = empty_parameter(*this, "weight", {out_channels, in_channels, kernel, kernel});
  if (with_bias) bias = empty_parameter(*this, "bias", {out_channels});
}

// Results of our own that need no gradient are overwritten: it saves an allocation and a third of the
// traffic.
// NOLINTNEXTLINE(performance-unnecessary-value-param): x is the caller's own, to be overwritten
torch::Tensor add_residual(torch::Tensor x, const torch::Tensor& residual, double scale) {
  const bool in_place = !x.requires_grad() && !residual.requires_grad();
  torch::Tensor sum = in_place ? x.add_(residual) : x + residual;
  if (scale == 1.0) return sum;
  return in_place ? sum.div_(scale) : sum / scale;
}

torch::Tensor Conv2dImpl::forward(const torch::Tensor& x, const torch::Tensor& residual) {
  if (winograd) return packed_winograd_conv2d(*this, x, residual);
  const torch::Tensor y = packs ? packed_conv2d(*this, x) : at::conv2d(x, weight, bias, stride, padding);
  return residual.defined() ? add_residual(y, residual) : y;
}

torch::Tensor Conv2dImpl::forward_doubled(const torch::Tensor& x) {
  if (packs_doubling) return packed_doubling_conv2d(*this, x);
  return forward(at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}));
}

void Conv2dImpl::reset_parameters() {
  torch::NoGradGuard no_grad;
  const double bound = 1.0 / std::sqrt(static_cast<double>(weight[0].numel()));
  weight.uniform_(-bound, bound);
  if (bias.defined()) bias.uniform_(-bound, bound);
}

LayerNormImpl::LayerNormImpl(int64_t width, double eps_) : eps(eps_) {
  weight = empty_parameter(*this, "weight", {width});
  bias = empty_parameter(*this, "bias", {width});
}

torch::Tensor LayerNormImpl::forward(const torch::Tensor& x) {
  return at::layer_norm(x, {weight.size(0)}, weight, bias, eps);
}

void LayerNormImpl::reset_parameters() {
  torch::NoGradGuard no_grad;
  weight.fill_(1);
  bias.zero_();
}

GroupNormImpl::GroupNormImpl(int64_t groups_, int64_t channels, double eps_) : groups(groups_), eps(eps_) {
  weight = empty_parameter(*this, "weight", {channels});
  bias = empty_parameter(*this, "bias", {channels});
}

torch::Tensor GroupNormImpl::forward(const torch::Tensor& x, const torch::Tensor& scale,
                                     const torch::Tensor& shift, bool silu) {
  if (x.is_cpu()) return fused_group_norm(x, groups, weight, bias, eps, scale, shift, silu);
  return group_norm_on_device(x, groups, weight, bias, eps, scale, shift, silu);
}

void GroupNormImpl::reset_parameters() {
  torch::NoGradGuard no_grad;
  weight.fill_(1);
  bias.zero_();
}

EmbeddingImpl::EmbeddingImpl(int64_t entries, int64_t width) {
  weight = empty_parameter(*this, "weight", {entries, width});
}

torch::Tensor EmbeddingImpl::forward(const torch::Tensor& ids) { return at::embedding(weight, ids); }

void EmbeddingImpl::reset_parameters() {
  torch::NoGradGuard no_grad;
  weight.normal_();
}

}  // namespace unclip
