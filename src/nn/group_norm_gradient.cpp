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

struct GroupNormFunction : torch::autograd::Function<GroupNormFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias, int64_t groups, double eps) {
    const int64_t batch = x.size(0), channels = x.size(1), positions = x[0][0].numel();
    auto [y, mean, rstd] =
        at::native_group_norm(x, weight, bias, batch, channels, positions, groups, eps);  // mean, rstd [B,G]
    context->save_for_backward({x, weight, mean, rstd});
    context->saved_data["groups"] = groups;
    return y;
  }

  // With x̂ = (x − mean)·rstd and g = dy·weight: dx = rstd·(g − mean(g) − x̂·mean(g·x̂)), means over a group.
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor x = positions_first(saved[0]), &weight = saved[1];  // x [B,N,C]
    const int64_t groups = context->saved_data["groups"].toInt();
    const torch::Tensor dy = positions_first(gradients[0]);  // [B,N,C]
    const auto grouped = [groups](const torch::Tensor& t) {
      return t.to(torch::kFloat32).unflatten(-1, {groups, -1});  // [...,C] → [...,G,K]
    };
    const torch::Tensor mean = saved[2].to(torch::kFloat32).unsqueeze(-1);  // [B,G,1]
    const torch::Tensor rstd = saved[3].to(torch::kFloat32).unsqueeze(-1);  // [B,G,1]
    const torch::Tensor sum_dy = grouped(sum_positions(dy));                // [B,G,K]
    const torch::Tensor sum_dyx = grouped(sum_positions(dy * x));           // [B,G,K]
    const torch::Tensor w = grouped(weight);                                // [G,K]

    const double share = 1.0 / static_cast<double>(x.size(1) * w.size(1));
    const torch::Tensor g = (sum_dy * w).sum(-1, true), gx = (sum_dyx * w).sum(-1, true);  // [B,G,1]
    const torch::Tensor of_x = (g * mean - gx) * rstd.pow(3) * share;                      // [B,G,1]
    const torch::Tensor of_one = -of_x * mean - g * rstd * share;                          // [B,G,1]
    const torch::Tensor of_dy = rstd * w;                                                  // [B,G,K]
    const auto spread = [&](const torch::Tensor& t) {
      return t.expand_as(of_dy).flatten(1).unsqueeze(1).to(x.scalar_type());  // [B,1,C]
    };
    torch::Tensor dx = at::addcmul(spread(of_one), x, spread(of_x)).addcmul_(dy, spread(of_dy));  // [B,N,C]
    dx = dx.transpose(1, 2).view_as(saved[0]);

    const torch::Tensor d_weight = ((sum_dyx - sum_dy * mean) * rstd).sum(0).flatten();  // [C]
    const torch::Tensor d_bias = sum_dy.sum(0).flatten();                                // [C]
    return {dx, d_weight.to(weight.scalar_type()), d_bias.to(weight.scalar_type()), {}, {}};
  }
};

}  // namespace

torch::Tensor group_norm_for_training(const torch::Tensor& x, int64_t groups, const torch::Tensor& weight,
                                      const torch::Tensor& bias, double eps) {
  const auto format = x.dim() == 4 ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
  return GroupNormFunction::apply(x.contiguous(format), weight, bias, groups, eps);
}

}  // namespace unclip
