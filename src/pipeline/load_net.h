// Makes a component's net from its config and fills it: the one way from a model folder to a module.
#pragma once

#include "unclip/checkpoint/load.h"
#include "unclip/checkpoint/model_folder.h"
#include "unclip/device/device.h"
#include "unclip/nn/awaiting_weights.h"
#include "unclip/nn/packing.h"

namespace unclip {

template <class Net, class NetConfig>
Net load_net(const ModelFolder& folder, const std::string& name, const Placement& placement) {
  const Component& component = folder.require(name);
  const Config config = component.config();
  const auto files = weight_files(component);
  Net net{nullptr};
  {
    const AwaitingWeights awaiting(config.origin(), files);
    net = Net(NetConfig::from(config));
  }
  load_weights(*net, files, {placement.dtype, placement.device});
  if (placement.device.is_cpu()) pack_weights(*net);
  net->eval();
  return net;
}

}  // namespace unclip
