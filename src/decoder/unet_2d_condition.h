// The decoder's net: a UNet told the image embedding and the text, unCLIP section 2.1 (arXiv 2204.06125). The
// reference's UNet2DConditionModel: Karlo's draws pixels and is told all by a net beside it, Kandinsky's draw
// latents and hold the projections themselves, Stable Diffusion's are told the text alone (arXiv:2112.10752).
//
// Symbols: B batch, H W height and width, L context tokens, D = cross_attention_dim, T width of the time
// embedding.
#pragma once

#include "checkpoint/config.h"
#include "decoder/image_conditioning.h"
#include "nn/unet.h"

namespace unclip {

struct UNet2DConditionConfig : UNetConfig {
  ImageConditioningConfig conditioning;

  // Absent keys get the reference's defaults; settings that are not built throw Error(model).
  static UNet2DConditionConfig from(const Config& config);
};

class UNet2DConditionModelImpl : public UNetImpl {
 public:
  explicit UNet2DConditionModelImpl(const UNet2DConditionConfig& config);

  // sample [B,in,H,W]; timestep [] or [B]; encoder_hidden_states [B,L,D]; class_labels by class_embed_type,
  // [B,T] for identity, [B,class_projection_dim] for projection; attention_mask [B,L] of any dtype, 1 keep
  // and 0 ignore, or undefined. All floating tensors in the weights' dtype. Gives [B,out,H,W], in the
  // sample's memory format.
  torch::Tensor forward(const torch::Tensor& sample, const torch::Tensor& timestep,
                        const torch::Tensor& encoder_hidden_states, const torch::Tensor& class_labels = {},
                        const torch::Tensor& attention_mask = {});
  // The same, after read(encoder_hidden_states).
  torch::Tensor predict(const torch::Tensor& sample, const torch::Tensor& timestep,
                        const ReadContext& context, const torch::Tensor& class_labels = {},
                        const torch::Tensor& attention_mask = {});

  // What stays the same at all steps, in nets with ImageConditioningConfig: image [B,I]; text [B,D] and
  // text_sequence [B,L,S] for text_image, hint [B,3,8H,8W] for image_hint.
  ImageConditioning condition(const torch::Tensor& image, const torch::Tensor& text,
                              const torch::Tensor& text_sequence, const torch::Tensor& hint);

  // sample [B,in,H,W], without the hint's channels; timestep [] or [B]. Gives [B,out,H,W].
  torch::Tensor predict(const torch::Tensor& sample, const torch::Tensor& timestep,
                        const ImageConditioning& conditioning);

 private:
  ImageProjection encoder_hid_proj_{nullptr};
  ImageTimeEmbedding add_embedding_{nullptr};
};
TORCH_MODULE(UNet2DConditionModel);

}  // namespace unclip
