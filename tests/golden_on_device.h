// Runs a net on a device: the goldens of scripts/golden in all dtypes, without anything that crosses the bus
// on the way, and the CPU's gradients.
#pragma once

#include <torch/utils.h>

#include "on_device.h"
#include "transformer_golden.h"

namespace unclip {

inline Tensors moved(Tensors tensors, torch::Device device) {
  for (auto& [name, tensor] : tensors) tensor = tensor.to(device);
  return tensors;
}

// The largest difference, relative to the largest number.
inline double apart(const torch::Tensor& found, const torch::Tensor& expected) {
  const torch::Tensor wide = found.detach().cpu().to(torch::kFloat32);
  return ((wide - expected).abs().max() / expected.abs().max()).item<double>();
}

inline void expect_no_traffic(const simulated::Traffic& traffic, const std::string& title) {
  EXPECT_EQ(traffic.in, 0) << title;
  EXPECT_EQ(traffic.out, 0) << title;
  EXPECT_EQ(traffic.reads, 0) << title;
}

// `forward` maps (net, inputs) to outputs by the golden's names.
template <class Net, class Forward>
void expect_outputs_on(torch::Device device, Net net, const Tensors& inputs, const Forward& forward,
                       double tolerance, const std::string& title) {
  const torch::NoGradGuard no_grad;
  net->to(device);
  const Tensors given = moved(inputs, device);
  Tensors outputs;
  expect_no_traffic(simulated::traffic_of([&] { outputs = forward(net, given); }), title);
  for (const auto& [name, output] : outputs) {
    const double difference = apart(output, inputs.at(name));
    std::cout << title << " " << name << ": largest relative difference " << difference << "\n";
    EXPECT_LE(difference, tolerance) << title << " " << name;
  }
}

// Of the mean square of all outputs.
template <class Net, class Forward>
Tensors gradients_on(torch::Device device, Net net, const Tensors& inputs, const Forward& forward) {
  net->to(device);
  for (torch::Tensor& parameter : net->parameters()) parameter.set_requires_grad(true);
  torch::Tensor loss = torch::zeros({}, device);
  for (const auto& [name, output] : forward(net, moved(inputs, device))) loss = loss + output.square().mean();
  loss.backward();
  Tensors gradients;
  for (const auto& item : net->named_parameters())
    if (item.value().grad().defined()) gradients[item.key()] = item.value().grad().cpu();
  return gradients;
}

inline void expect_same_gradients(const Tensors& found, const Tensors& expected, double tolerance,
                                  const std::string& title) {
  ASSERT_EQ(found.size(), expected.size()) << title;
  double scale = 0, largest = 0;
  for (const auto& [name, gradient] : expected) scale = std::max(scale, gradient.abs().max().item<double>());
  for (const auto& [name, gradient] : expected)
    largest = std::max(largest, (found.at(name) - gradient).abs().max().item<double>() / scale);
  std::cout << title << ": " << found.size() << " gradients, largest relative difference " << largest << "\n";
  EXPECT_LE(largest, tolerance) << title;
}

// The largest relative difference from the reference that a dtype may make; a GPU sums in other orders.
inline double tolerance_on(torch::Device device, torch::Dtype dtype) {
  const double gpu = device.is_cuda() ? 2 : 1;
  if (dtype == torch::kBFloat16) return 3e-2 * gpu;
  return dtype == torch::kFloat16 ? 5e-3 * gpu : device.is_cuda() ? 2e-4 : 2e-5;
}

// `load` maps a dtype to a net and its golden; `trains`: its gradients are looked at, too.
template <class Load, class Forward>
void expect_net_on(torch::Device device, const std::string& title, const Load& load, const Forward& forward,
                   bool trains) {
  for (const torch::Dtype dtype : {torch::kFloat32, torch::kBFloat16, torch::kFloat16}) {
    const auto [net, inputs] = load(dtype);
    expect_outputs_on(device, net, inputs, forward, tolerance_on(device, dtype),
                      title + " " + c10::toString(dtype));
  }
  if (!trains) return;
  const auto of_cpu = load(torch::kFloat32), of_device = load(torch::kFloat32);
  expect_same_gradients(gradients_on(device, of_device.first, of_device.second, forward),
                        gradients_on(torch::kCPU, of_cpu.first, of_cpu.second, forward),
                        device.is_cuda() ? 1e-3 : 1e-5, title);
}

// `forward` maps (net, inputs) to the net's output.
template <class Net, class NetConfig, class Forward>
void expect_unet_on(torch::Device device, const std::string& name, const Forward& forward,
                    bool trains = true) {
  const auto load = [&](torch::Dtype dtype) {
    return std::pair(load_golden_net<Net, NetConfig>(name, dtype),
                     golden_inputs(name, dtype, torch::MemoryFormat::ChannelsLast));
  };
  const auto named = [&](Net& net, const Tensors& inputs) {
    return Tensors{{"output", forward(net, inputs)}};
  };
  expect_net_on(device, name, load, named, trains);
}

// `forward` maps (net, inputs) to the net's outputs by name.
template <class Net, class NetConfig, class Forward>
void expect_transformer_on(torch::Device device, const std::string& name, const Forward& forward,
                           bool trains = true) {
  const auto load = [&](torch::Dtype dtype) {
    return std::pair(load_transformer<Net, NetConfig>(name, dtype), transformer_inputs(name, dtype));
  };
  const auto named = [&](Net& net, const Tensors& inputs) {
    Tensors outputs;
    for (const auto& [key, output] : forward(net, inputs)) outputs["output." + key] = output;
    return outputs;
  };
  expect_net_on(device, name, load, named, trains);
}

}  // namespace unclip
