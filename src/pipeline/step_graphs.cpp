// Finds the recording of a step's shapes, or makes it (see the header).
#include "step_graphs.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace unclip {
namespace {

constexpr size_t kMostSteps = 4;  // of a net: guided or not, whole batches and the last one

bool are_graphs_on() {
  const char* const value = std::getenv("UNCLIP_CUDA_GRAPHS");
  return value == nullptr || std::string_view(value) != "0";
}

bool are_alike(const torch::Tensor& a, const torch::Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  return a.dtype() == b.dtype() && a.sizes() == b.sizes() && a.strides() == b.strides();
}

}  // namespace

bool StepGraphs::Step::serves(const StepInputs& inputs) const {
  if (inputs.size() != given.size()) return false;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (!are_alike(*inputs[i], given[i])) return false;
  return true;
}

void StepGraphs::Step::take(const StepInputs& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]->defined() || inputs[i]->is_same(given[i])) continue;
    held[i].copy_(*inputs[i]);
    given[i] = *inputs[i];
  }
}

StepGraphs::Step& StepGraphs::record(const StepInputs& inputs, const std::function<torch::Tensor()>& net,
                                     const DeviceFunctions& functions) {
  if (steps_.size() == kMostSteps) steps_.pop_back();
  Step& step = steps_.emplace_front();
  for (const torch::Tensor* input : inputs) step.given.push_back(*input);
  try {
    for (torch::Tensor* input : inputs) {
      if (input->defined()) *input = input->clone();
      step.held.push_back(*input);
    }
    step.recording = functions.record(inputs.front()->device(), [&] { step.output = net(); });
  } catch (const c10::Error& error) {
    spdlog::debug("a step is not recorded as a CUDA graph: {}", error.what_without_backtrace());
    for (size_t i = 0; i < inputs.size(); ++i) *inputs[i] = step.given[i];
    for (torch::Tensor& one : step.given)  // the shape is remembered, not the values
      if (one.defined()) one = at::empty_strided(one.sizes(), one.strides(), one.options().device(at::kMeta));
    step.held.clear();
    step.output.reset();
  }
  return step;
}

torch::Tensor StepGraphs::run(const StepInputs& inputs, const std::function<torch::Tensor()>& net) {
  const DeviceFunctions* functions = functions_for(inputs.front()->device());
  if (functions == nullptr || !are_graphs_on()) return net();
  const auto known = std::ranges::find_if(steps_, [&](const Step& step) { return step.serves(inputs); });
  if (known != steps_.end()) steps_.splice(steps_.begin(), steps_, known);
  const bool is_new = known == steps_.end();
  Step& step = is_new ? record(inputs, net, *functions) : steps_.front();
  if (!step.recording) return net();
  if (!is_new) step.take(inputs);
  step.recording->replay();
  return step.output.clone();  // the next replay writes there
}

}  // namespace unclip
