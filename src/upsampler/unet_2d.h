// The upsampler's net: a UNet on the noisy large image beside the enlarged small one, without text (unCLIP,
// arXiv 2204.06125, section 2.1). The reference's UNet2DModel.
//
// Symbols: B batch, H W height and width.
#pragma once

#include "checkpoint/config.h"
#include "nn/unet.h"

namespace unclip {

struct UNet2DConfig : UNetConfig {
  // Absent keys get the reference's defaults; settings that are not built throw Error(model).
  static UNet2DConfig from(const Config& config);
};

class UNet2DModelImpl : public UNetImpl {
 public:
  explicit UNet2DModelImpl(const UNet2DConfig& config);

  // sample [B,in,H,W]; timestep [] or [B]; class_labels only in nets with a class embedding. Gives
  // [B,out,H,W] in the sample's dtype, which is the weights', and memory format.
  torch::Tensor forward(const torch::Tensor& sample, const torch::Tensor& timestep,
                        const torch::Tensor& class_labels = {});
};
TORCH_MODULE(UNet2DModel);

}  // namespace unclip
