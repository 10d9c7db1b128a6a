// Group norm for training, a function of torch's autograd around our kernels (Wu & He 2018,
// arXiv:1803.08494).
//
// Symbols: B batch, C channels, G groups, N positions.
#include "unclip/nn/group_norm_gradient.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include "unclip/nn/norm_act_kernels.h"

namespace unclip {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// [B,C,...] → [B,N,C]; no copy for channels-last pictures.
torch::Tensor positions_first(const torch::Tensor& x) { return x.flatten(2).transpose(1, 2).contiguous(); }

// And back, in the memory format of `like`.
torch::Tensor channels_first(const torch::Tensor& x, const torch::Tensor& like) {
  const torch::Tensor y = x.transpose(1, 2).view(like.sizes());
  return like.dim() == 4 ? y : y.contiguous();
}

// The kernels' view of one batch.
struct Layer {
  torch::Tensor factor, offset, mean, rstd;  // float32 [B,C], [B,C], [B,G], [B,G]
  bool silu = false;

  NormAct of(int64_t picture, int64_t positions) const {
    const int64_t channels = factor.size(1), groups = mean.size(1);
    return {positions,
            channels,
            groups,
            factor.const_data_ptr<float>() + picture * channels,
            offset.const_data_ptr<float>() + picture * channels,
            mean.data_ptr<float>() + picture * groups,
            rstd.data_ptr<float>() + picture * groups,
            silu};
  }
};

template <class Work>
void for_each_picture(const torch::Tensor& x, Work work) {
  at::parallel_for(0, x.size(0), 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) work(b, b * x.stride(0));
  });
}

// Calls `work` with the kernels' pointer type for `x`: float32, or the bits of bfloat16.
template <class Work>
void for_type_of(const torch::Tensor& x, Work work) {
  if (x.scalar_type() == torch::kBFloat16)
    work(static_cast<Bfloat16Bits*>(nullptr));
  else
    work(static_cast<float*>(nullptr));
}

torch::Tensor wide(const torch::Tensor& t) { return t.to(torch::kFloat32); }

struct GroupNormFunction : torch::autograd::Function<GroupNormFunction> {
  // scale and shift [B,C], or none (torch takes no undefined tensor here).
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias, const std::optional<torch::Tensor>& scale,
                               const std::optional<torch::Tensor>& shift, int64_t groups, double eps,
                               bool silu) {
    const torch::Tensor rows = positions_first(x);  // [B,N,C]
    torch::Tensor y = at::empty_like(rows);
    const auto statistics = [&] { return torch::empty({x.size(0), groups}, torch::kFloat32); };
    Layer layer{wide(weight), wide(bias), statistics(), statistics(), silu};
    const auto each = [&](const torch::Tensor& t) { return t.expand({x.size(0), -1}).contiguous(); };
    if (scale) {
      const torch::Tensor factor = wide(*scale) + 1;  // [B,C]
      layer.offset = at::addcmul(wide(*shift), factor, layer.offset);
      layer.factor = layer.factor * factor;
    }
    layer.factor = each(layer.factor), layer.offset = each(layer.offset);
    for_type_of(rows, [&]<class T>(T*) {
      for_each_picture(rows, [&](int64_t b, int64_t at) {
        norm_act_forward(layer.of(b, rows.size(1)), eps, static_cast<const T*>(rows.const_data_ptr()) + at,
                         static_cast<T*>(y.data_ptr()) + at);
      });
    });
    context->save_for_backward({x, weight, bias, scale.value_or(torch::Tensor()), layer.factor, layer.offset,
                                layer.mean, layer.rstd});
    context->saved_data["silu"] = silu;
    return channels_first(y, x);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &scale = saved[3];
    const Layer layer{saved[4], saved[5], saved[6], saved[7], context->saved_data["silu"].toBool()};
    const torch::Tensor rows = positions_first(x), dy = positions_first(gradients[0]);  // [B,N,C]
    torch::Tensor dx = at::empty_like(rows);
    const torch::Tensor sum_dz = at::empty_like(layer.factor), sum_normal = at::empty_like(sum_dz);  // [B,C]
    for_type_of(rows, [&]<class T>(T*) {
      for_each_picture(rows, [&](int64_t b, int64_t at) {
        norm_act_backward(layer.of(b, rows.size(1)), static_cast<const T*>(rows.const_data_ptr()) + at,
                          static_cast<const T*>(dy.const_data_ptr()) + at,
                          static_cast<T*>(dx.data_ptr()) + at, sum_dz.data_ptr<float>() + b * rows.size(2),
                          sum_normal.data_ptr<float>() + b * rows.size(2));
      });
    });
    const auto narrow = [&](const torch::Tensor& t) { return t.to(weight.scalar_type()); };
    const auto scaled = [&](const torch::Tensor& t) {
      return narrow((scale.defined() ? at::addcmul(t, t, wide(scale)) : t).sum(0));  // [C]
    };
    torch::Tensor d_scale, d_shift;  // [B,C]
    if (scale.defined()) {
      d_scale = narrow(sum_normal * wide(weight) + sum_dz * wide(bias));
      d_shift = narrow(sum_dz);
    }
    return {channels_first(dx, x), scaled(sum_normal), scaled(sum_dz), d_scale, d_shift, {}, {}, {}};
  }
};

}  // namespace

torch::Tensor group_norm_for_training(const torch::Tensor& x, int64_t groups, const torch::Tensor& weight,
                                      const torch::Tensor& bias, double eps, const torch::Tensor& scale,
                                      const torch::Tensor& shift, bool silu) {
  if (x.scalar_type() != torch::kFloat32 && x.scalar_type() != torch::kBFloat16)  // the kernels know no other
    return group_norm_for_training(wide(x), groups, weight, bias, eps, scale, shift, silu)
        .to(x.scalar_type());
  const auto format = x.dim() == 4 ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
  const auto flat = [](const torch::Tensor& t) {
    return t.defined() ? std::optional(t.flatten(1)) : std::nullopt;
  };
  return GroupNormFunction::apply(x.contiguous(format), weight, bias, flat(scale), flat(shift), groups, eps,
                                  silu);
}

}  // namespace unclip
