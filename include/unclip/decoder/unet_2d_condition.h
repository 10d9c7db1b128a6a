// The decoder's net: a UNet told the image embedding (class_labels, context) and the text (context), unCLIP
// section 2.1 (arXiv 2204.06125). The reference's UNet2DConditionModel with the blocks of unCLIP decoders.
//
// Symbols: B batch, H W height and width, L context tokens, D = cross_attention_dim, T width of the time
// embedding.
#pragma once

#include "unclip/checkpoint/config.h"
#include "unclip/nn/unet.h"

namespace unclip {

struct UNet2DConditionConfig : UNetConfig {
  // Absent keys get the reference's defaults; settings that are not built throw Error(model).
  static UNet2DConditionConfig from(const Config& config);
};

class UNet2DConditionModelImpl : public UNetImpl {
 public:
  explicit UNet2DConditionModelImpl(const UNet2DConditionConfig& config);

  // sample [B,in,H,W]; timestep [] or [B]; encoder_hidden_states [B,L,D]; class_labels by class_embed_type,
  // [B,T] for identity; attention_mask [B,L] of any dtype, 1 keep and 0 ignore, or undefined. All floating
  // tensors in the weights' dtype. Gives [B,out,H,W], in the sample's memory format.
  torch::Tensor forward(const torch::Tensor& sample, const torch::Tensor& timestep,
                        const torch::Tensor& encoder_hidden_states, const torch::Tensor& class_labels = {},
                        const torch::Tensor& attention_mask = {});
};
TORCH_MODULE(UNet2DConditionModel);

}  // namespace unclip
