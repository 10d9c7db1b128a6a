// What a net may promise while it is built for weights that are there already: a config is somebody else's,
// and must cost nothing that its weight files do not pay for.
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace unclip {

// While one lives, nets that its thread builds get parameters without memory of their own, for load_weights()
// to replace. One that promises far more parameters than `files` hold is refused at once: Error(model) naming
// `config`.
class AwaitingWeights {
 public:
  AwaitingWeights(std::string config, const std::vector<std::filesystem::path>& files);
  ~AwaitingWeights();
  AwaitingWeights(const AwaitingWeights&) = delete;
  AwaitingWeights& operator=(const AwaitingWeights&) = delete;

  // A tensor of that shape: as above while one lives, else with memory.
  static torch::Tensor parameter(at::IntArrayRef shape);

 private:
  std::string config_;
  double held_, left_;
};

}  // namespace unclip
