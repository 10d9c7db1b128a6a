// The blocks of autoencoders.
#include "autoencoder/vq_blocks.h"

#include <torch/nn/modules/container/modulelist.h>

#include "nn/attention.h"
#include "nn/layout.h"
#include "nn/resnet_block.h"

namespace unclip {
namespace {

constexpr double kVqEps = 1e-6;             // of all norms
constexpr int64_t kSpatialNormGroups = 32;  // whatever norm_num_groups says, as in the reference

template <class Holder>
void register_blocks(torch::nn::Module& owner, const std::string& key, const std::vector<Holder>& items) {
  if (items.empty()) return;
  torch::nn::ModuleList list;
  for (const Holder& item : items) list->push_back(item);
  owner.register_module(key, list);
}

// [B,C,H,W] → [B,C,h,H/h,w,W/w], a view.
torch::Tensor split_places(const torch::Tensor& x, const torch::Tensor& latent) {
  return x.unflatten(3, {latent.size(3), -1}).unflatten(2, {latent.size(2), -1});
}

}  // namespace

SpatialNormImpl::SpatialNormImpl(int64_t channels, int64_t latent_channels)
    : norm_layer(kSpatialNormGroups, channels, kVqEps),
      conv_y(latent_channels, channels, 1),
      conv_b(latent_channels, channels, 1) {
  register_module("norm_layer", norm_layer);
  register_module("conv_y", conv_y);
  register_module("conv_b", conv_b);
}

// The reference enlarges the latent to x's size first; a 1×1 convolution does not mind, and is cheaper
// before.
torch::Tensor SpatialNormImpl::forward(const torch::Tensor& x, const torch::Tensor& latent) {
  torch::Tensor y = norm_layer(x);                                       // [B,C,H,W]
  const torch::Tensor scale = conv_y(latent).unsqueeze(4).unsqueeze(3);  // [B,C,h,1,w,1]
  const torch::Tensor shift = conv_b(latent).unsqueeze(4).unsqueeze(3);  // [B,C,h,1,w,1]
  torch::Tensor places = split_places(y, latent);                        // [B,C,h,H/h,w,W/w]
  at::addcmul_out(places, shift, places, scale);                         // in place, rounded once
  return y;
}

VqNorm::VqNorm(torch::nn::Module& owner, const std::string& key, int64_t channels, const VqBlockOptions& o) {
  if (o.latent_channels > 0)
    spatial_ = owner.register_module(key, SpatialNorm(channels, o.latent_channels));
  else
    plain_ = owner.register_module(key, GroupNorm(o.groups, channels, kVqEps));
}

torch::Tensor VqNorm::operator()(const torch::Tensor& x, const torch::Tensor& latent) {
  return spatial_ ? spatial_(x, latent) : plain_(x);
}

torch::Tensor VqNorm::activated(const torch::Tensor& x, const torch::Tensor& latent) {
  if (plain_) return norm_act(plain_, x);
  torch::Tensor y = spatial_(x, latent);
  return at::silu_(y);
}

VqResnetBlockImpl::VqResnetBlockImpl(int64_t in_channels, int64_t out_channels, const VqBlockOptions& options)
    : norm1(*this, "norm1", in_channels, options),
      norm2(*this, "norm2", out_channels, options),
      conv1(in_channels, out_channels, 3, 1, 1),
      conv2(out_channels, out_channels, 3, 1, 1) {
  register_module("conv1", conv1);
  register_module("conv2", conv2);
  if (in_channels != out_channels)
    conv_shortcut = register_module("conv_shortcut", Conv2d(in_channels, out_channels, 1));
}

torch::Tensor VqResnetBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& latent) {
  const torch::Tensor h = conv1(norm1.activated(x, latent));  // [B,out,H,W]
  return conv2(norm2.activated(h, latent), conv_shortcut ? conv_shortcut(x) : x);
}

VqAttentionImpl::VqAttentionImpl(int64_t channels, const VqBlockOptions& options)
    : norm(*this, options.latent_channels > 0 ? "spatial_norm" : "group_norm", channels, options),
      to_q(channels, channels),
      to_k(channels, channels),
      to_v(channels, channels),
      to_out(channels, channels) {
  register_module("to_q", to_q);
  register_module("to_k", to_k);
  register_module("to_v", to_v);
  register_module("to_out", torch::nn::ModuleList())->push_back(to_out);
}

torch::Tensor VqAttentionImpl::forward(const torch::Tensor& x, const torch::Tensor& latent) {
  const torch::Tensor h = to_rows(norm(x, latent));                                    // [B,HW,C]
  const torch::Tensor mixed = to_out(attend(to_q(h), to_k(h), to_v(h), /*heads=*/1));  // [B,HW,C]
  return add_residual(to_image(mixed, x.size(2), x.size(3)), x);                       // [B,C,H,W]
}

VqBlockImpl::VqBlockImpl(int64_t in_channels, int64_t out_channels, int64_t layers, bool attention,
                         VqResampler resampler, const VqBlockOptions& options) {
  for (int64_t i = 0; i < layers; ++i) {
    resnets.emplace_back(i == 0 ? in_channels : out_channels, out_channels, options);
    if (attention) attentions.emplace_back(out_channels, options);
  }
  register_blocks(*this, "resnets", resnets);
  register_blocks(*this, "attentions", attentions);
  if (resampler == VqResampler::down) {
    downsample = Downsample2D(out_channels, /*padding=*/0);
    register_blocks<Downsample2D>(*this, "downsamplers", {downsample});
  } else if (resampler == VqResampler::up) {
    upsample = Upsample2D(out_channels);
    register_blocks<Upsample2D>(*this, "upsamplers", {upsample});
  }
}

torch::Tensor VqBlockImpl::forward(torch::Tensor x, const torch::Tensor& latent) {
  for (size_t i = 0; i < resnets.size(); ++i) {
    x = resnets[i](x, latent);  // [B,out,H,W]
    if (!attentions.empty()) x = attentions[i](x, latent);
  }
  if (downsample) return downsample(x);  // [B,out,H/2,W/2]
  return upsample ? upsample(x, 2 * x.size(2), 2 * x.size(3)) : x;
}

VqMidBlockImpl::VqMidBlockImpl(int64_t channels, bool attention, const VqBlockOptions& options) {
  for (int i = 0; i < 2; ++i) resnets.emplace_back(channels, channels, options);
  if (attention) attentions.emplace_back(channels, options);
  register_blocks(*this, "resnets", resnets);
  register_blocks(*this, "attentions", attentions);
}

torch::Tensor VqMidBlockImpl::forward(torch::Tensor x, const torch::Tensor& latent) {
  x = resnets[0](x, latent);
  if (!attentions.empty()) x = attentions[0](x, latent);
  return resnets[1](x, latent);
}

}  // namespace unclip
