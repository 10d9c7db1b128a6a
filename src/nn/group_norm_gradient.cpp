// Group norm with a fast gradient (Wu & He 2018, arXiv:1803.08494).
//
// Symbols: B batch, C channels, G groups, K = C/G channels of a group, N positions.
#include "unclip/nn/group_norm_gradient.h"

#include <torch/torch.h>

namespace unclip {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// [B,C,...] → [B,N,C]; no copy for channels-last pictures.
torch::Tensor positions_first(const torch::Tensor& x) { return x.flatten(2).transpose(1, 2); }

// [B,N,C] → [B,C]. A product with ones runs at the speed of memory; the library's sum over N does not.
torch::Tensor sum_positions(const torch::Tensor& x) {
  return at::bmm(at::ones({1, 1, x.size(1)}, x.options()).expand({x.size(0), -1, -1}), x).squeeze(1);
}

// [B,C,…] or [C] → float32 [...,G,K]
torch::Tensor grouped(const torch::Tensor& t, int64_t groups) {
  return t.to(torch::kFloat32).unflatten(-1, {groups, -1});
}

struct GroupNormFunction : torch::autograd::Function<GroupNormFunction> {
  // scale and shift [B,C], or none (torch takes no undefined tensor here).
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias, const std::optional<torch::Tensor>& scale,
                               const std::optional<torch::Tensor>& shift, int64_t groups, double eps) {
    const int64_t batch = x.size(0), channels = x.size(1), positions = x[0][0].numel();
    auto [y, mean, rstd] =
        at::native_group_norm(x, weight, bias, batch, channels, positions, groups, eps);  // mean, rstd [B,G]
    context->save_for_backward({x, weight, bias, scale.value_or(torch::Tensor()), mean, rstd});
    context->saved_data["groups"] = groups;
    if (!scale) return y;
    std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
    shape[0] = batch, shape[1] = channels;
    return at::addcmul(shift->view(shape), y, (*scale + 1).view(shape));
  }

  // With x̂ = (x − mean)·rstd, W = weight·(1 + scale) and g = dy·W: dx = rstd·(g − mean(g) − x̂·mean(g·x̂)),
  // means over a group. All gradients follow from the sums of dy and dy·x over the positions.
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor x = positions_first(saved[0]), &weight = saved[1], &scale = saved[3];  // x [B,N,C]
    const int64_t groups = context->saved_data["groups"].toInt();
    const torch::Tensor dy = positions_first(gradients[0]);                 // [B,N,C]
    const torch::Tensor mean = saved[4].to(torch::kFloat32).unsqueeze(-1);  // [B,G,1]
    const torch::Tensor rstd = saved[5].to(torch::kFloat32).unsqueeze(-1);  // [B,G,1]
    const torch::Tensor sum_dy = grouped(sum_positions(dy), groups);        // [B,G,K]
    const torch::Tensor sum_normal =
        (grouped(sum_positions(dy * x), groups) - sum_dy * mean) * rstd;  // Σ dy·x̂ [B,G,K]
    const torch::Tensor w = grouped(weight, groups);                      // [G,K]
    const torch::Tensor factor =
        scale.defined() ? grouped(scale, groups) + 1 : torch::ones({1, 1, 1}, w.options());  // [B,G,K]

    const double share = 1.0 / static_cast<double>(x.size(1) * w.size(1));
    const torch::Tensor of_dy = rstd * w * factor;                                   // [B,G,K]
    const torch::Tensor g = (sum_dy * w * factor).sum(-1, true) * share;             // mean(g) [B,G,1]
    const torch::Tensor gx = (sum_normal * w * factor).sum(-1, true) * share;        // mean(g·x̂) [B,G,1]
    const torch::Tensor of_x = -rstd * rstd * gx, of_one = -rstd * g - of_x * mean;  // [B,G,1]
    const auto spread = [&](const torch::Tensor& t) {
      return t.expand({x.size(0), groups, w.size(1)}).flatten(1).unsqueeze(1).to(x.scalar_type());  // [B,1,C]
    };
    torch::Tensor dx = at::addcmul(spread(of_one), x, spread(of_x)).addcmul_(dy, spread(of_dy));  // [B,N,C]
    dx = dx.transpose(1, 2).view_as(saved[0]);

    const auto narrow = [&](const torch::Tensor& t) { return t.to(weight.scalar_type()); };
    const torch::Tensor d_weight = narrow((sum_normal * factor).sum(0).flatten());  // [C]
    const torch::Tensor d_bias = narrow((sum_dy * factor).sum(0).flatten());        // [C]
    torch::Tensor d_scale, d_shift;                                                 // [B,C]
    if (scale.defined()) {
      d_scale = narrow((sum_normal * w + sum_dy * grouped(saved[2], groups)).flatten(1));
      d_shift = narrow(sum_dy.flatten(1));
    }
    return {dx, d_weight, d_bias, d_scale, d_shift, {}, {}};
  }
};

}  // namespace

torch::Tensor group_norm_for_training(const torch::Tensor& x, int64_t groups, const torch::Tensor& weight,
                                      const torch::Tensor& bias, double eps, const torch::Tensor& scale,
                                      const torch::Tensor& shift) {
  const auto format = x.dim() == 4 ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
  const auto flat = [](const torch::Tensor& t) {
    return t.defined() ? std::optional(t.flatten(1)) : std::nullopt;
  };
  return GroupNormFunction::apply(x.contiguous(format), weight, bias, flat(scale), flat(shift), groups, eps);
}

}  // namespace unclip
