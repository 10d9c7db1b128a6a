// Makes a component's net from its config and fills it: the one way from a model folder to a module.
#pragma once

#include "checkpoint/load.h"
#include "checkpoint/model_folder.h"
#include "device/device.h"
#include "nn/awaiting_weights.h"
#include "nn/packing.h"

namespace unclip {

template <class Net, class NetConfig>
Net load_net(const ModelFolder& folder, const std::string& name, const DeviceAndDtype& target) {
  const Component& component = folder.require(name);
  const Config config = component.config();
  const auto files = weight_files(component);
  Net net{nullptr};
  {
    const AwaitingWeights awaiting(config.origin(), files);
    net = Net(NetConfig::from(config));
  }
  load_weights(*net, files, {target.dtype, target.device});
  if (target.device.is_cpu()) pack_weights(*net);
  net->eval();
  return net;
}

}  // namespace unclip
