// Counts what a net promises against what its files hold.
#include "nn/awaiting_weights.h"

#include <spdlog/fmt/fmt.h>
#include <torch/types.h>

#include "checkpoint/safetensors.h"
#include "unclip/error.h"

namespace unclip {
namespace {

// The modules around a tensor cost about as much as this many of its elements.
constexpr double kTensorCost = 256;
// Where config and weights differ by less, both are compared name by name, which tells more.
constexpr double kSlack = 2, kLeast = 1 << 20;

thread_local AwaitingWeights* awaiting = nullptr;

}  // namespace

AwaitingWeights::AwaitingWeights(std::string config, const std::vector<std::filesystem::path>& files)
    : config_(std::move(config)), held_(0), left_(kLeast) {
  for (const auto& path : files)
    for (const TensorInfo& info : SafetensorsFile::open(path)->tensors()) {
      held_ += static_cast<double>(info.numel());
      left_ += kSlack * (kTensorCost + static_cast<double>(info.numel()));
    }
  awaiting = this;
}

AwaitingWeights::~AwaitingWeights() { awaiting = nullptr; }

torch::Tensor AwaitingWeights::parameter(at::IntArrayRef shape) {
  if (awaiting == nullptr) return torch::empty(shape);
  double count = 1;
  for (const int64_t size : shape) count *= static_cast<double>(size);
  awaiting->left_ -= count + kTensorCost;
  if (awaiting->left_ < 0)
    throw Error(ExitCode::model,
                fmt::format("{}: describes far more than the {:.0f} parameters in the weights",
                            awaiting->config_, awaiting->held_),
                "check that config.json belongs to these weights");
  return torch::empty({1}).expand(shape);
}

}  // namespace unclip
