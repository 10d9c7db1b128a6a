// The blocks of a UNet.
#include "nn/unet_blocks.h"

#include <torch/nn/modules/container/modulelist.h>

#include "unclip/error.h"

namespace unclip {

namespace {

template <class Holder>
void register_list(torch::nn::Module& owner, const std::string& name, const std::vector<Holder>& items) {
  if (items.empty()) return;
  torch::nn::ModuleList list;
  for (const Holder& item : items) list->push_back(item);
  owner.register_module(name, list);
}

struct NamedKind {
  std::string down, up;
  BlockKind kind;
};

BlockKind find_kind(const std::string& type, std::string NamedKind::*name, const std::string& origin) {
  static const std::vector<NamedKind> kinds = {
      {"DownBlock2D", "UpBlock2D", {BlockAttention::none, BlockResampler::conv}},
      {"ResnetDownsampleBlock2D", "ResnetUpsampleBlock2D", {BlockAttention::none, BlockResampler::resnet}},
      {"AttnDownBlock2D", "AttnUpBlock2D", {BlockAttention::self, BlockResampler::conv}},
      {"SimpleCrossAttnDownBlock2D",
       "SimpleCrossAttnUpBlock2D",
       {BlockAttention::added_kv, BlockResampler::resnet}},
      {"CrossAttnDownBlock2D", "CrossAttnUpBlock2D", {BlockAttention::transformer, BlockResampler::conv}},
  };
  std::string known;
  for (const NamedKind& entry : kinds) {
    if (entry.*name == type) return entry.kind;
    known += (known.empty() ? "" : ", ") + entry.*name;
  }
  throw Error(ExitCode::model,
              origin + ": block type \"" + type + "\" is not supported, expected one of " + known);
}

}  // namespace

std::vector<BlockKind> down_block_kinds(const std::vector<std::string>& types, const std::string& origin) {
  std::vector<BlockKind> kinds;
  for (const std::string& type : types) kinds.push_back(find_kind(type, &NamedKind::down, origin));
  return kinds;
}

std::vector<BlockKind> up_block_kinds(const std::vector<std::string>& types, const std::string& origin) {
  std::vector<BlockKind> kinds;
  for (const std::string& type : types) kinds.push_back(find_kind(type, &NamedKind::up, origin));
  return kinds;
}

LevelAttention::LevelAttention(torch::nn::Module& level, const BlockOptions& o, int64_t channels) {
  for (int64_t i = 0; i < o.layers && o.kind.attention != BlockAttention::none; ++i)
    if (o.kind.attention == BlockAttention::transformer)
      transformers_.emplace_back(channels, o.transformer);
    else
      attentions_.emplace_back(channels, o.attention);
  register_list(level, "attentions", attentions_);
  register_list(level, "attentions", transformers_);
}

void LevelAttention::read(const torch::Tensor& context, ReadContext& read) {
  for (Transformer2DModel& transformer : transformers_) transformer->read(context, read);
  for (Attention2D& attention : attentions_)
    if (attention->reads_context()) read.push_back(attention->read(context));
}

torch::Tensor LevelAttention::operator()(size_t i, const torch::Tensor& x, BlockInputs& inputs) {
  if (!transformers_.empty()) return transformers_[i](x, inputs.context, inputs.context_bias);
  if (attentions_.empty()) return x;
  Attention2D& attention = attentions_[i];
  return attention->reads_context() ? attention(x, inputs.context.next(), inputs.context_bias) : attention(x);
}

DownBlock2DImpl::DownBlock2DImpl(const BlockOptions& o) {
  for (int64_t i = 0; i < o.layers; ++i)
    resnets.emplace_back(i == 0 ? o.in_channels : o.out_channels, o.out_channels, o.resnet);
  register_list(*this, "resnets", resnets);
  attentions.emplace(*this, o, o.out_channels);
  if (!o.resample) return;
  if (o.kind.resampler == BlockResampler::conv) {
    downsample_conv = Downsample2D(o.out_channels, o.downsample_padding);
    register_list<Downsample2D>(*this, "downsamplers", {downsample_conv});
  } else {
    downsample_resnet = ResnetBlock2D(o.out_channels, o.out_channels, o.resnet, Resampling::down);
    register_list<ResnetBlock2D>(*this, "downsamplers", {downsample_resnet});
  }
}

torch::Tensor DownBlock2DImpl::forward(torch::Tensor x, BlockInputs& inputs,
                                       std::vector<torch::Tensor>& skips) {
  for (size_t i = 0; i < resnets.size(); ++i) {
    x = (*attentions)(i, resnets[i](x, inputs.temb), inputs);  // [B,out,H,W]
    skips.push_back(x);
  }
  if (downsample_conv || downsample_resnet) {
    x = downsample_conv ? downsample_conv(x) : downsample_resnet(x, inputs.temb);  // [B,out,H/2,W/2]
    skips.push_back(x);
  }
  return x;
}

UpBlock2DImpl::UpBlock2DImpl(const BlockOptions& o) {
  for (int64_t i = 0; i < o.layers; ++i) {
    const int64_t below = i == 0 ? o.previous_channels : o.out_channels;
    const int64_t skip = i == o.layers - 1 ? o.in_channels : o.out_channels;
    resnets.emplace_back(below + skip, o.out_channels, o.resnet);
  }
  register_list(*this, "resnets", resnets);
  attentions.emplace(*this, o, o.out_channels);
  if (!o.resample) return;
  if (o.kind.resampler == BlockResampler::conv) {
    upsample_conv = Upsample2D(o.out_channels);
    register_list<Upsample2D>(*this, "upsamplers", {upsample_conv});
  } else {
    upsample_resnet = ResnetBlock2D(o.out_channels, o.out_channels, o.resnet, Resampling::up);
    register_list<ResnetBlock2D>(*this, "upsamplers", {upsample_resnet});
  }
}

torch::Tensor UpBlock2DImpl::forward(torch::Tensor x, BlockInputs& inputs,
                                     std::vector<torch::Tensor>& skips) {
  for (size_t i = 0; i < resnets.size(); ++i) {
    x = at::cat({x, skips.back()}, 1);  // [B,below+skip,H,W]
    skips.pop_back();
    x = (*attentions)(i, resnets[i](x, inputs.temb), inputs);  // [B,out,H,W]
  }
  if (upsample_conv) return upsample_conv(x, skips.back().size(2), skips.back().size(3));  // [B,out,2H,2W]
  return upsample_resnet ? upsample_resnet(x, inputs.temb) : x;
}

MidBlock2DImpl::MidBlock2DImpl(const BlockOptions& o) {
  for (int64_t i = 0; i < o.layers + 1; ++i) resnets.emplace_back(o.in_channels, o.in_channels, o.resnet);
  register_list(*this, "resnets", resnets);
  attentions.emplace(*this, o, o.in_channels);
}

torch::Tensor MidBlock2DImpl::forward(torch::Tensor x, BlockInputs& inputs) {
  x = resnets[0](x, inputs.temb);
  for (size_t i = 1; i < resnets.size(); ++i) x = resnets[i]((*attentions)(i - 1, x, inputs), inputs.temb);
  return x;
}

}  // namespace unclip
