// Halving and doubling of images between the levels of a UNet.
#include "nn/resample.h"

namespace unclip {

torch::Tensor average_pool_half(const torch::Tensor& x) { return at::avg_pool2d(x, {2, 2}, {2, 2}); }

torch::Tensor upsample_nearest(const torch::Tensor& x, int64_t height, int64_t width) {
  return at::upsample_nearest2d(x, {height, width});
}

Downsample2DImpl::Downsample2DImpl(int64_t channels, int64_t padding_)
    : padding(padding_), conv(channels, channels, 3, 2, padding_) {
  register_module("conv", conv);
}

torch::Tensor Downsample2DImpl::forward(const torch::Tensor& x) {
  return padding == 0 ? conv(at::constant_pad_nd(x, {0, 1, 0, 1})) : conv(x);
}

Upsample2DImpl::Upsample2DImpl(int64_t channels) : conv(channels, channels, 3, 1, 1) {
  conv->both_ways = true;  // to a size that is not twice the other
  register_module("conv", conv);
}

torch::Tensor Upsample2DImpl::forward(const torch::Tensor& x, int64_t height, int64_t width) {
  const bool doubles = height == 2 * x.size(2) && width == 2 * x.size(3);
  return doubles ? conv->forward_doubled(x) : conv(upsample_nearest(x, height, width));
}

}  // namespace unclip
