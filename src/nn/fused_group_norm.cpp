// Group norm (Wu & He 2018, arXiv:1803.08494), a function of torch's autograd around our kernels.
//
// Symbols: B batch, C channels, G groups, N positions.
#include "nn/fused_group_norm.h"

#include <ATen/Parallel.h>
#include <torch/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

#include "nn/device_functions.h"
#include "nn/for_type_of.h"
#include "nn/layout.h"
#include "nn/norm_act_kernels.h"

namespace unclip {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// [B,C,...] → [B,N,C]; no copy for channels-last images.
torch::Tensor positions_first(const torch::Tensor& x) {
  return (x.dim() == 4 ? to_rows(x) : x.flatten(2).transpose(1, 2)).contiguous();
}

// And back, in the memory format of `like`.
torch::Tensor channels_first(const torch::Tensor& rows, const torch::Tensor& like) {
  return like.dim() == 4 ? to_image(rows, like.size(2), like.size(3))
                         : rows.transpose(1, 2).contiguous().view(like.sizes());
}

torch::Tensor wide(const torch::Tensor& t) { return t.to(torch::kFloat32); }

// A normalization of one batch, measured: y = act(x·slope + start).
struct Layer {
  torch::Tensor factor, slope, start;  // float32 [B,C]
  torch::Tensor mean, rstd;            // float32 [B,G]
  bool silu = false;

  NormAct of(int64_t image, int64_t positions) const {
    const int64_t channels = slope.size(1);
    return {positions, channels, slope.const_data_ptr<float>() + image * channels,
            start.const_data_ptr<float>() + image * channels, silu};
  }

  NormStatistics statistics(int64_t image) const {
    const int64_t channels = factor.size(1), groups = mean.size(1);
    return {groups, factor.const_data_ptr<float>() + image * channels,
            mean.const_data_ptr<float>() + image * groups, rstd.const_data_ptr<float>() + image * groups};
  }
};

// Calls work(image, stretch, first position, positions) for all stretches of all images, in parallel.
// Their length depends on the image alone, and suits a core's cache.
constexpr int64_t kStretchRows = 256;

int64_t stretches(int64_t positions) { return (positions + kStretchRows - 1) / kStretchRows; }

template <class Work>
void for_each_stretch(const torch::Tensor& rows, Work work) {
  const int64_t positions = rows.size(1), per_image = stretches(positions);
  at::parallel_for(0, rows.size(0) * per_image, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t stretch = i % per_image, first = stretch * kStretchRows;
      work(i / per_image, stretch, first, std::min(kStretchRows, positions - first));
    }
  });
}

// Mean and square (norm_act_kernels.h) of every stretch's channels, [B,S,C] each.
std::pair<torch::Tensor, torch::Tensor> measure(const torch::Tensor& rows) {
  const int64_t channels = rows.size(2);
  const torch::Tensor mean = torch::empty({rows.size(0), stretches(rows.size(1)), channels}, torch::kFloat32);
  const torch::Tensor square = at::empty_like(mean);
  for_type_of(rows, [&]<class T>(T*) {
    for_each_stretch(rows, [&](int64_t b, int64_t stretch, int64_t first, int64_t count) {
      const int64_t at = b * mean.stride(0) + stretch * channels;
      channel_moments(static_cast<const T*>(rows.const_data_ptr()) + b * rows.stride(0) + first * channels,
                      count, channels, mean.data_ptr<float>() + at, square.data_ptr<float>() + at);
    });
  });
  return {mean, square};
}

// Fills `layer`, of its groups' statistics, put together from those of their parts (Chan et al. 1983,
// eq. 2.1), and of `factor` and `offset` [B,C].
void put_together(const std::pair<torch::Tensor, torch::Tensor>& parts, const torch::Tensor& factor,
                  const torch::Tensor& offset, int64_t positions, double eps, Layer& layer) {
  const auto part_mean = parts.first.accessor<float, 3>(),
             square = parts.second.accessor<float, 3>();  // [B,S,C]
  const auto each_factor = factor.accessor<float, 2>(), each_offset = offset.accessor<float, 2>();
  auto kept_factor = layer.factor.accessor<float, 2>(), slope = layer.slope.accessor<float, 2>(),
       start = layer.start.accessor<float, 2>();
  auto mean = layer.mean.accessor<float, 2>(), rstd = layer.rstd.accessor<float, 2>();
  const int64_t groups = mean.size(1), width = factor.size(1) / groups;
  const auto count = static_cast<double>(positions * width);
  for (int64_t b = 0; b < mean.size(0); ++b)
    for (int64_t g = 0; g < groups; ++g) {
      const auto over_parts = [&](auto part) {
        double sum = 0;
        for (int64_t s = 0; s < part_mean.size(1); ++s)
          for (int64_t c = g * width; c < (g + 1) * width; ++c)
            sum += part(s, c, static_cast<double>(std::min(kStretchRows, positions - s * kStretchRows)));
        return sum / count;
      };
      const double middle =
          over_parts([&](int64_t s, int64_t c, double n) { return n * part_mean[b][s][c]; });
      const double variance = over_parts([&](int64_t s, int64_t c, double n) {
        const double distance = part_mean[b][s][c] - middle;
        return square[b][s][c] + n * distance * distance;
      });
      mean[b][g] = static_cast<float>(middle);
      rstd[b][g] = static_cast<float>(1 / std::sqrt(variance + eps));
      for (int64_t c = g * width; c < (g + 1) * width; ++c) {
        kept_factor[b][c] = each_factor[b][c];
        slope[b][c] = each_factor[b][c] * rstd[b][g];
        start[b][c] = each_offset[b][c] - mean[b][g] * slope[b][c];
      }
    }
}

// scale and shift [B,C], or none (torch takes no undefined tensor here).
Layer make_layer(const torch::Tensor& rows, const torch::Tensor& weight, const torch::Tensor& bias,
                 const std::optional<torch::Tensor>& scale, const std::optional<torch::Tensor>& shift,
                 int64_t groups, double eps, bool silu) {
  torch::Tensor factor = wide(weight), offset = wide(bias);
  if (scale) {
    const torch::Tensor one_and_scale = wide(*scale) + 1;  // [B,C]
    factor = factor * one_and_scale;
    offset = at::addcmul(wide(*shift), one_and_scale, offset);
  }
  const auto room = [&](int64_t width) { return torch::empty({rows.size(0), width}, torch::kFloat32); };
  const int64_t channels = rows.size(2);
  Layer layer{room(channels), room(channels), room(channels), room(groups), room(groups), silu};
  put_together(measure(rows), factor.expand({rows.size(0), -1}), offset.expand({rows.size(0), -1}),
               rows.size(1), eps, layer);
  return layer;
}

torch::Tensor normalize(const Layer& layer, const torch::Tensor& rows) {
  torch::Tensor y = at::empty_like(rows);
  for_type_of(rows, [&]<class T>(T*) {
    for_each_stretch(rows, [&](int64_t b, int64_t, int64_t first, int64_t count) {
      const int64_t at = b * rows.stride(0) + first * rows.size(2);
      norm_act_forward(layer.of(b, count), static_cast<const T*>(rows.const_data_ptr()) + at,
                       static_cast<T*>(y.data_ptr()) + at);
    });
  });
  return y;
}

struct GroupNormFunction : torch::autograd::Function<GroupNormFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
                               const torch::Tensor& bias, const std::optional<torch::Tensor>& scale,
                               const std::optional<torch::Tensor>& shift, int64_t groups, double eps,
                               bool silu) {
    const torch::Tensor rows = positions_first(x);  // [B,N,C]
    const Layer layer = make_layer(rows, weight, bias, scale, shift, groups, eps, silu);
    context->save_for_backward({x, weight, bias, scale.value_or(torch::Tensor()), layer.factor, layer.slope,
                                layer.start, layer.mean, layer.rstd});
    context->saved_data["silu"] = silu;
    return channels_first(normalize(layer, rows), x);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], &bias = saved[2], &scale = saved[3];
    const Layer layer{saved[4], saved[5], saved[6], saved[7], saved[8], context->saved_data["silu"].toBool()};
    const torch::Tensor rows = positions_first(x), dy = positions_first(gradients[0]);  // [B,N,C]
    torch::Tensor dx = at::empty_like(rows);
    const torch::Tensor sum_dz = at::empty_like(layer.factor), sum_normal = at::empty_like(sum_dz);  // [B,C]
    for_type_of(rows, [&]<class T>(T*) {
      at::parallel_for(0, rows.size(0), 1, [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; ++b) {
          const int64_t at = b * rows.stride(0), channels = rows.size(2);
          norm_act_backward(layer.of(b, rows.size(1)), layer.statistics(b),
                            static_cast<const T*>(rows.const_data_ptr()) + at,
                            static_cast<const T*>(dy.const_data_ptr()) + at,
                            static_cast<T*>(dx.data_ptr()) + at, sum_dz.data_ptr<float>() + b * channels,
                            sum_normal.data_ptr<float>() + b * channels);
        }
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

// Whether a kernel without a gradient, of one dtype, serves these; undefined tensors do.
bool are_plain(torch::Dtype dtype, std::initializer_list<torch::Tensor> tensors) {
  if (dtype != torch::kFloat32 && dtype != torch::kBFloat16 && dtype != torch::kHalf) return false;
  return std::ranges::all_of(tensors, [&](const torch::Tensor& t) {
    return !t.defined() || (t.scalar_type() == dtype && !(at::GradMode::is_enabled() && t.requires_grad()));
  });
}

}  // namespace

torch::Tensor group_norm_on_device(const torch::Tensor& x, int64_t groups, const torch::Tensor& weight,
                                   const torch::Tensor& bias, double eps, const torch::Tensor& scale,
                                   const torch::Tensor& shift, bool silu) {
  const DeviceFunctions* functions = functions_for(x.device());
  if (functions != nullptr && are_plain(x.scalar_type(), {x, weight, bias, scale, shift})) {
    const auto flat = [](const torch::Tensor& t) { return t.defined() ? t.flatten(1).contiguous() : t; };
    const torch::Tensor rows =
        functions->group_norm(positions_first(x), groups, weight, bias, eps, flat(scale), flat(shift), silu);
    return channels_first(rows, x);
  }
  torch::Tensor y = at::group_norm(x, groups, weight, bias, eps);
  // CUDA's own gives channels-last images back as plain ones, which the convolutions would lay out anew.
  if (x.dim() == 4) y = y.contiguous(x.suggest_memory_format());
  if (scale.defined()) y = at::addcmul(shift, y, scale + 1);
  if (!silu) return y;
  return y.requires_grad() ? at::silu(y) : at::silu_(y);  // our own: overwritten where no gradient needs it
}

torch::Tensor fused_group_norm(const torch::Tensor& x, int64_t groups, const torch::Tensor& weight,
                               const torch::Tensor& bias, double eps, const torch::Tensor& scale,
                               const torch::Tensor& shift, bool silu) {
  if (x.scalar_type() != torch::kFloat32 && x.scalar_type() != torch::kBFloat16)  // the kernels know no other
    return fused_group_norm(wide(x), groups, weight, bias, eps, scale, shift, silu).to(x.scalar_type());
  const auto format = x.dim() == 4 ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
  const auto flat = [](const torch::Tensor& t) {
    return t.defined() ? std::optional(t.flatten(1)) : std::nullopt;
  };
  return GroupNormFunction::apply(x.contiguous(format), weight, bias, flat(scale), flat(shift), groups, eps,
                                  silu);
}

}  // namespace unclip
