// The residual block of all UNets.
#include "nn/resnet_block.h"

#include "nn/resample.h"

namespace unclip {

torch::Tensor norm_act(GroupNorm& norm, const torch::Tensor& x, const torch::Tensor& scale,
                       const torch::Tensor& shift) {
  return norm(x, scale, shift, /*silu=*/true);
}

ResnetBlock2DImpl::ResnetBlock2DImpl(int64_t in_channels, int64_t out_channels, const ResnetOptions& options_,
                                     Resampling resampling_)
    : options(options_),
      resampling(resampling_),
      norm1(options.groups, in_channels, options.eps),
      conv1(in_channels, out_channels, 3, 1, 1),
      time_emb_proj(options.temb_channels, options.scale_shift ? 2 * out_channels : out_channels),
      norm2(options.groups, out_channels, options.eps),
      conv2(out_channels, out_channels, 3, 1, 1) {
  register_module("norm1", norm1);
  register_module("conv1", conv1);
  register_module("time_emb_proj", time_emb_proj);
  register_module("norm2", norm2);
  register_module("conv2", conv2);
  if (in_channels != out_channels)
    conv_shortcut = register_module("conv_shortcut", Conv2d(in_channels, out_channels, 1));
}

torch::Tensor ResnetBlock2DImpl::resample(const torch::Tensor& x) const {
  switch (resampling) {
    case Resampling::down:
      return average_pool_half(x);
    case Resampling::up:
      return upsample_nearest(x, 2 * x.size(2), 2 * x.size(3));
    case Resampling::none:
      break;
  }
  return x;
}

torch::Tensor ResnetBlock2DImpl::forward(const torch::Tensor& x, const torch::Tensor& temb) {
  torch::Tensor h = norm_act(norm1, x);
  h = resampling == Resampling::up ? conv1->forward_doubled(h) : conv1(resample(h));  // [B,out,H',W']
  const torch::Tensor time = time_emb_proj(temb).unsqueeze(-1).unsqueeze(-1);         // [B,out or 2·out,1,1]
  if (options.scale_shift) {
    const auto scale_and_shift = time.chunk(2, 1);  // [B,out,1,1] each
    h = norm_act(norm2, h, scale_and_shift[0], scale_and_shift[1]);
  } else {
    h = norm_act(norm2, add_residual(h, time));
  }
  const torch::Tensor shortcut = resample(x);                        // [B,in,H',W']
  h = conv2(h, conv_shortcut ? conv_shortcut(shortcut) : shortcut);  // the sum of both branches
  return options.output_scale == 1.0 ? h : h / options.output_scale;
}

}  // namespace unclip
