// Runs a transformer net on the goldens of scripts/golden/transformers.py: the same numbers in all dtypes,
// with packed weights, and with gradients.
#pragma once

#include <torch/utils.h>

#include "checkpoint/model_folder.h"
#include "nn/packing.h"
#include "unet_golden.h"

namespace unclip {

template <class Net, class NetConfig>
Net load_transformer(const std::string& name, torch::Dtype dtype) {
  const Component component{name, "", "", golden_folder(name)};
  Net net(NetConfig::from(component.config()));
  load_weights(*net, weight_files(component), {.dtype = dtype, .writable = true});
  return net;
}

// The golden's inputs as `dtype`; its expected outputs are named output.NAME.
inline Tensors transformer_inputs(const std::string& name, torch::Dtype dtype) {
  Tensors inputs = read_tensors(golden_folder(name) / "golden.safetensors");
  for (auto& [key, value] : inputs)
    if (value.is_floating_point() && !key.starts_with("output.")) value = value.to(dtype);
  return inputs;
}

inline void expect_close(const Tensors& outputs, const Tensors& golden, double tolerance,
                         const std::string& title) {
  for (const auto& [key, output] : outputs) {
    const torch::Tensor& expected = golden.at("output." + key);
    ASSERT_EQ(output.sizes(), expected.sizes()) << title << " " << key;
    const torch::Tensor largest = (output.to(torch::kFloat32) - expected).abs().max() / expected.abs().max();
    std::cout << title << " " << key << ": largest relative difference " << largest.item<double>() << "\n";
    EXPECT_LE(largest.item<double>(), tolerance) << title << " " << key;
  }
}

// `forward` maps (net, inputs) to the net's outputs by name.
template <class Net, class NetConfig, class Forward>
void expect_transformer_golden(const std::string& name, const Forward& forward) {
  torch::NoGradGuard no_grad;
  for (const auto& [dtype, tolerance] : {std::pair{torch::kFloat32, 1e-5}, {torch::kBFloat16, 2e-2}}) {
    Net net = load_transformer<Net, NetConfig>(name, dtype);
    const Tensors inputs = transformer_inputs(name, dtype);
    const std::string title = name + " " + c10::toString(dtype);
    const Tensors outputs = forward(net, inputs);
    for (const auto& [key, output] : outputs) EXPECT_EQ(output.scalar_type(), dtype) << title << " " << key;
    expect_close(outputs, inputs, tolerance, title);
    pack_weights(*net);
    expect_close(forward(net, inputs), inputs, tolerance, title + " packed");
  }
}

// Backward reaches every parameter. A key's bias moves all scores of a row alike, so its gradient may be 0.
template <class Net, class NetConfig, class Forward>
void expect_transformer_gradients(const std::string& name, const Forward& forward) {
  Net net = load_transformer<Net, NetConfig>(name, torch::kFloat32);
  for (torch::Tensor& parameter : net->parameters()) parameter.set_requires_grad(true);
  const Tensors inputs = transformer_inputs(name, torch::kFloat32);
  const Tensors outputs = forward(net, inputs);
  expect_close(outputs, inputs, 1e-5, name + " training");
  torch::Tensor loss = torch::zeros({});
  for (const auto& [key, output] : outputs) loss = loss + (output - 1).square().mean();
  loss.backward();
  for (const auto& item : net->named_parameters()) {
    const torch::Tensor& gradient = item.value().grad();
    ASSERT_TRUE(gradient.defined()) << item.key();
    EXPECT_TRUE(gradient.isfinite().all().template item<bool>()) << item.key();
    const bool may_vanish = item.key().ends_with("k_proj.bias") || item.key().ends_with("to_k.bias");
    EXPECT_TRUE(may_vanish || gradient.abs().sum().template item<double>() > 0.0) << item.key();
  }
}

}  // namespace unclip
