// What stages share.
#include "train/stage.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/utils.h>

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

void move_to(const Stage& stage, torch::Device device) {
  for (const TrainedNet& net : stage.nets()) net.module->to(device);
}

void initialize(torch::nn::Module& root) {
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

at::Generator seeded_generator(torch::Device device, uint64_t seed) {
  if (device.is_cpu()) return at::make_generator<at::CPUGeneratorImpl>(seed);
  at::Generator generator = at::globalContext().defaultGenerator(device);
  generator.set_current_seed(seed);
  return generator;
}

at::Generator on_host(const at::Generator& chance) {
  return chance.device().is_cpu() ? chance : at::make_generator<at::CPUGeneratorImpl>(chance.current_seed());
}

torch::Tensor to_unit_range(const torch::Tensor& images, const DeviceAndDtype& target) {
  // Channels-last images are whole as [B,S,S,3].
  return hand_over(images.permute({0, 2, 3, 1}), target.device)
      .permute({0, 3, 1, 2})
      .to(torch::kFloat32)
      .div_(127.5)
      .sub_(1)
      .to(target.dtype)
      .contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace unclip
