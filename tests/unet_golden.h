// Runs a net on the goldens of scripts/golden/unets.py and compares in all dtypes and memory formats.
#pragma once

#include <ATen/record_function.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <string>

#include "checkpoint/config.h"
#include "nn/packing.h"
#include "weights/load.h"

namespace unclip {

using Tensors = std::map<std::string, torch::Tensor>;

// Undefined where the golden has no such input.
inline torch::Tensor find(const Tensors& tensors, const std::string& name) {
  const auto it = tensors.find(name);
  return it == tensors.end() ? torch::Tensor() : it->second;
}

inline std::filesystem::path golden_folder(const std::string& name) {
  return std::filesystem::path(UNCLIP_TEST_DATA) / "nets" / name;
}

template <class Net, class NetConfig>
Net load_golden_net(const std::string& name, torch::Dtype dtype = torch::kFloat32,
                    torch::MemoryFormat format = torch::MemoryFormat::ChannelsLast) {
  Net net(NetConfig::from(Config::read(golden_folder(name) / "config.json")));
  load_weights(*net, {golden_folder(name) / "diffusion_pytorch_model.safetensors"},
               {.dtype = dtype, .writable = true});
  for (torch::Tensor& parameter : net->parameters())
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(format));
  return net;
}

inline Tensors golden_inputs(const std::string& name, torch::Dtype dtype, torch::MemoryFormat format) {
  Tensors inputs = read_tensors(golden_folder(name) / "golden.safetensors");
  for (auto& [key, value] : inputs)
    if (value.is_floating_point() && key != "output") value = value.to(dtype);
  for (auto& [key, value] : inputs)
    if (value.dim() == 4 && key != "output") value = value.contiguous(format);
  return inputs;
}

// Of a batch, the first image and its conditions.
inline Tensors first_alone(Tensors inputs) {
  for (auto& [key, value] : inputs) value = value.narrow(0, 0, 1);
  return inputs;
}

// How often a forward pass copies a tensor only to lay it out anew.
template <class Forward>
int count_layout_copies(const Forward& forward) {
  static thread_local int copies;
  copies = 0;
  const auto handle = at::addThreadLocalCallback(
      at::RecordFunctionCallback([](const at::RecordFunction& f) -> std::unique_ptr<at::ObserverContext> {
        copies += std::string(f.name()) == "aten::clone";
        return nullptr;
      }));
  forward();
  at::removeCallback(handle);
  return copies;
}

// `forward` maps (net, inputs) to the net's output.
template <class Net, class NetConfig, class Forward>
void expect_golden(const std::string& name, const Forward& forward) {
  torch::NoGradGuard no_grad;
  for (const auto& [dtype, tolerance] : {std::pair{torch::kFloat32, 1e-5}, {torch::kBFloat16, 2e-2}})
    for (const auto format : {torch::MemoryFormat::ChannelsLast, torch::MemoryFormat::Contiguous}) {
      Net net = load_golden_net<Net, NetConfig>(name, dtype, format);
      const Tensors inputs = golden_inputs(name, dtype, format);
      const torch::Tensor expected = inputs.at("output");
      torch::Tensor output;
      const int copies = count_layout_copies([&] { output = forward(net, inputs); });
      ASSERT_EQ(output.sizes(), expected.sizes());
      EXPECT_EQ(output.scalar_type(), dtype);
      const auto difference = [&] {
        return ((output.to(torch::kFloat32) - expected).abs().max() / expected.abs().max())
            .template item<double>();
      };
      const bool channels_last = format == torch::MemoryFormat::ChannelsLast;
      std::cout << name << " " << dtype << (channels_last ? " channels-last" : " contiguous")
                << ": largest relative difference " << difference() << ", " << copies << " layout copies\n";
      EXPECT_LE(difference(), tolerance);
      if (channels_last) {
        EXPECT_TRUE(output.is_contiguous(format));
        EXPECT_EQ(copies, 0);
        pack_weights(*net);
        output = forward(net, inputs);  // packs
        EXPECT_EQ(count_layout_copies([&] { output = forward(net, inputs); }), 0);
        EXPECT_EQ(count_layout_copies([&] { forward(net, first_alone(inputs)); }), 0);
        EXPECT_LE(difference(), tolerance);
      }
    }
}

// A training step's backward reaches every parameter, and the training pass draws what inference draws.
template <class Net, class NetConfig, class Forward>
void expect_gradients(const std::string& name, const Forward& forward) {
  Net net = load_golden_net<Net, NetConfig>(name);
  for (torch::Tensor& parameter : net->parameters()) parameter.set_requires_grad(true);
  const Tensors inputs = golden_inputs(name, torch::kFloat32, torch::MemoryFormat::ChannelsLast);
  const torch::Tensor output = forward(net, inputs), expected = inputs.at("output");
  EXPECT_LE((output - expected).abs().max().template item<double>(),
            1e-5 * expected.abs().max().template item<double>());
  output.square().mean().backward();
  size_t filled = 0;
  for (const auto& item : net->named_parameters()) {
    const torch::Tensor& gradient = item.value().grad();
    ASSERT_TRUE(gradient.defined()) << item.key();
    EXPECT_TRUE(gradient.isfinite().all().template item<bool>()) << item.key();
    EXPECT_GT(gradient.abs().sum().template item<double>(), 0.0) << item.key();
    ++filled;
  }
  std::cout << name << ": " << filled << " gradients\n";
}

}  // namespace unclip
