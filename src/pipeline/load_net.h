// A component's net, made from its config and filled from its files: the one way from a model folder to a
// module.
#pragma once

#include <functional>
#include <memory>

#include "checkpoint/model_folder.h"
#include "device/device.h"
#include "nn/awaiting_weights.h"
#include "nn/packing.h"
#include "step_graphs.h"
#include "weights/load.h"

namespace unclip {

// The memory of a model's nets where it holds the weights of one net at a time: of the one that computes.
class NetMemory {
 public:
  // Gives up the weights of the net before, unless it is this one, whose weights `load` then reads.
  void enter(const std::shared_ptr<torch::nn::Module>& net, const std::function<void()>& load);

 private:
  std::shared_ptr<torch::nn::Module> in_memory_;
};

// A net with its weights; in a NetMemory they come when the net is called.
template <class Net>
class LoadedNet {
 public:
  LoadedNet() = default;  // none
  LoadedNet(Net net, std::shared_ptr<NetMemory> memory, std::function<void()> load)
      : net_(std::move(net)), memory_(std::move(memory)), load_(std::move(load)) {}

  // Ready to compute.
  Net& operator*() {
    if (memory_) memory_->enter(net_.ptr(), load_);
    return net_;
  }
  auto* operator->() { return (**this).get(); }

  // net->forward(inputs...) or net->predict(inputs...) for one of many steps: replayed where that can be
  // (step_graphs.h).
  template <class... Inputs>
  torch::Tensor step(Inputs... inputs) {
    return step_by([](auto& net, const auto&... all) { return net.forward(all...); }, std::move(inputs)...);
  }
  template <class... Inputs>
  torch::Tensor predict_step(Inputs... inputs) {
    return step_by([](auto& net, const auto&... all) { return net.predict(all...); }, std::move(inputs)...);
  }

  // Without its weights.
  const auto& config() const { return net_->config; }
  explicit operator bool() const { return !net_.is_empty(); }

 private:
  template <class Method, class... Inputs>
  torch::Tensor step_by(Method method, Inputs... inputs) {
    auto& net = ***this;
    const auto call = [&] { return method(net, inputs...); };
    if (memory_) return call();  // the weights move
    StepInputs all;
    (add_inputs(all, inputs), ...);
    return graphs_->run(all, call);
  }

  Net net_{nullptr};
  std::shared_ptr<NetMemory> memory_;  // or nullptr: the weights stay
  std::function<void()> load_;
  std::shared_ptr<StepGraphs> graphs_ = std::make_shared<StepGraphs>();
};

// Throws Error(model) for weights that do not fit.
template <class Net, class NetConfig>
LoadedNet<Net> load_net(const ModelFolder& folder, const std::string& name, const DeviceAndDtype& target) {
  const Component& component = folder.require(name);
  const Config config = component.config();
  const auto files = weight_files(component);
  Net net{nullptr};
  {
    const AwaitingWeights awaiting(config.origin(), files);
    net = Net(NetConfig::from(config));
  }
  net->eval();
  auto load = [net, files, target, loras = folder.loras(name)]() mutable {
    load_weights(*net, files, {.dtype = target.dtype, .device = target.device, .loras = loras});
    if (target.device.is_cpu()) pack_weights(*net);
  };
  if (target.memory)
    expect_fit(*net, files);
  else
    load();
  return {net, target.memory, load};
}

}  // namespace unclip
