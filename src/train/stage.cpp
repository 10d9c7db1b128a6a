// What stages share.
#include "train/stage.h"

#include "nn/attention_2d.h"
#include "nn/resnet_block.h"

namespace unclip {
namespace {

template <class Layer>
bool reset(torch::nn::Module& module) {
  auto* layer = dynamic_cast<Layer*>(&module);
  if (layer != nullptr) layer->reset_parameters();
  return layer != nullptr;
}

}  // namespace

std::vector<NamedTensor> Stage::parameters() const { return all_tensors(*this); }

std::vector<NamedTensor> all_tensors(const Stage& stage) {
  std::vector<NamedTensor> tensors;
  for (const TrainedNet& net : stage.nets())
    for (const auto& p : net.module->named_parameters())
      tensors.push_back({net.components.front() + "." + p.key(), p.value()});
  return tensors;
}

std::vector<NamedTensor> fixed_tensors(const Stage& stage) {
  std::vector<NamedTensor> tensors = all_tensors(stage);
  std::erase_if(tensors, [](const NamedTensor& p) { return p.tensor.requires_grad(); });
  return tensors;
}

void initialise(torch::nn::Module& root) {
  const torch::NoGradGuard no_grad;
  for (const auto& module : root.modules()) {
    if (reset<LinearImpl>(*module) || reset<Conv2dImpl>(*module) || reset<LayerNormImpl>(*module) ||
        reset<GroupNormImpl>(*module))
      continue;
    for (torch::Tensor& tensor : module->parameters(/*recurse=*/false)) tensor.normal_(0, 0.02);
  }
  // Residual branches of UNets begin as nothing (arXiv:1706.02677, section 5.1): a deep net begins shallow.
  const auto close_branch = [](auto& last) { last->weight.zero_(), last->bias.zero_(); };
  for (const auto& module : root.modules()) {
    if (auto* block = module->as<ResnetBlock2DImpl>()) close_branch(block->conv2);
    if (auto* attention = module->as<Attention2DImpl>()) close_branch(attention->to_out);
  }
}

torch::Tensor to_unit_range(const torch::Tensor& pictures, const DeviceAndDtype& target) {
  return pictures.to(target.device)
      .to(torch::kFloat32)
      .div_(127.5)
      .sub_(1)
      .to(target.dtype)
      .contiguous(torch::MemoryFormat::ChannelsLast);
}

Image tile(const torch::Tensor& pictures, int64_t columns) {
  const int64_t size = pictures.size(2), rows = (pictures.size(0) + columns - 1) / columns;
  const torch::Tensor bytes = ((pictures.to(torch::kCPU, torch::kFloat32) + 1) * 127.5)
                                  .round()
                                  .clamp(0, 255)
                                  .to(torch::kUInt8)
                                  .permute({0, 2, 3, 1});  // [N,S,S,3]
  torch::Tensor sheet = torch::full({rows * (size + 2), columns * (size + 2), 3}, 255, torch::kUInt8);
  for (int64_t i = 0; i < pictures.size(0); ++i)
    sheet.narrow(0, i / columns * (size + 2) + 1, size)
        .narrow(1, i % columns * (size + 2) + 1, size)
        .copy_(bytes[i]);
  return {static_cast<int>(sheet.size(1)),
          static_cast<int>(sheet.size(0)),
          3,
          {sheet.data_ptr<uint8_t>(), sheet.data_ptr<uint8_t>() + sheet.numel()}};
}

}  // namespace unclip
