// LoRA files: low-rank changes of a model's weights, W += scale · alpha / rank · up · down (Hu et al. 2021,
// arXiv:2106.09685). Finds out which weight each of their keys means; weights/load.h merges them. Knows
// nothing of torch.
//
// The keys of a weight, by who wrote the file:
//
// - diffusers, PEFT: unet.MODULE.lora_A.weight, .lora_B.weight; alpha and rank in the file's metadata
//
// - older diffusers: unet.MODULE.lora.down.weight, .lora.up.weight; text_encoder.MODULE.lora_linear_layer.…;
// .alpha
//
// - first diffusers: MODULE.processor.to_q_lora.down.weight, …, of the UNet alone
//
// - kohya: lora_unet_MODULE_WITH_UNDERSCORES.lora_down.weight, .lora_up.weight, .alpha; lora_te_… of the text
// encoder
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "unclip/image_options.h"

namespace unclip {

struct Component;

// One change of one weight [out,in] or [out,in,h,w].
struct LoraPart {
  std::shared_ptr<SafetensorsFile> file{};
  TensorInfo down{}, up{};              // [rank,in] or [rank,in,h,w]; [out,rank] or [out,rank,1,1]
  std::optional<TensorInfo> alpha{};    // one number
  std::optional<double> known_alpha{};  // instead, from the metadata; neither: the rank
  bool stable_rank = false;             // alpha is divided by the rank's root (rsLoRA, arXiv:2312.03732)
  double scale = 1;
};

// Name of a tensor in the component's files → its changes, in the order of the files.
using LoraParts = std::map<std::string, std::vector<LoraPart>>;

// Component → its changes. Throws Error(model) that lists all keys of a file which no weight of the
// components is meant by, have no counterpart or do not fit in shape.
std::map<std::string, LoraParts> match_loras(const std::vector<LoraFile>& files,
                                             const std::vector<Component>& components);

}  // namespace unclip
