// The only source of randomness while a picture is drawn: one CPU generator per picture.
//
// A picture's draws depend on its own seed alone: never on the device, the batch or its neighbours. Draws are
// float32 on the CPU, in the order in which the Python reference asks its torch.Generator("cpu") for them
// (seeded CUDA noise differs from one GPU model to the next).
#pragma once

#include <ATen/core/Generator.h>
#include <torch/types.h>

#include <vector>

namespace unclip {

class NoiseSource {
 public:
  // One generator per picture of the batch; `device` is where draws are sent.
  NoiseSource(const std::vector<uint64_t>& seeds, torch::Device device);

  // Standard normal [B, shape...], float32.
  torch::Tensor normal(at::IntArrayRef shape);

  // Draws for some of the pictures alone, on from where their generators stand; these stand further then.
  NoiseSource subset(const std::vector<int64_t>& pictures) const;

  // Draws of other pictures, made up from the same seeds.
  NoiseSource variant(uint64_t number) const;

  int64_t batch_size() const { return static_cast<int64_t>(generators_.size()); }

 private:
  std::vector<at::Generator> generators_;
  torch::Device device_;
};

}  // namespace unclip
