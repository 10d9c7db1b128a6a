// A net's step, recorded at its first call for each shape and then replayed: a UNet is a thousand small
// launches, and the host needs longer for them than a GPU for a small batch's work.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "nn/device_functions.h"

namespace unclip {

// The tensors that a step reads, defined or not, in one order; of structs see stage_run.h.
using StepInputs = std::vector<torch::Tensor*>;
inline void add_inputs(StepInputs& all, torch::Tensor& one) { all.push_back(&one); }

// For one net whose weights stay where they are, and one thread. UNCLIP_CUDA_GRAPHS=0 turns it off.
class StepGraphs {
 public:
  // net() of the inputs' tensors. Where the step is recorded they are replaced by tensors of the recording's
  // own, with the same values; only those that are other tensors than at the last call are copied. So a
  // tensor that was given once must not be written afterwards.
  torch::Tensor run(const StepInputs& inputs, const std::function<torch::Tensor()>& net);

 private:
  struct Step {
    std::vector<torch::Tensor> given, held;  // at the last call; what the recording reads
    torch::Tensor output;
    std::unique_ptr<Recording> recording;  // nullptr: it cannot be recorded

    bool serves(const StepInputs& inputs) const;
    void take(const StepInputs& inputs);
  };

  Step& record(const StepInputs& inputs, const std::function<torch::Tensor()>& net,
               const DeviceFunctions& functions);

  std::list<Step> steps_;  // the last one used comes first
};

}  // namespace unclip
