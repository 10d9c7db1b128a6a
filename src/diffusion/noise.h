// The only source of randomness while an image is drawn: one CPU generator per image.
//
// An image's draws depend on its own seed alone: never on the device, the batch or its neighbors. Draws are
// float32 on the CPU, in the order in which the Python reference asks its torch.Generator("cpu") for them
// (seeded CUDA noise differs from one GPU model to the next).
#pragma once

#include <ATen/core/Generator.h>
#include <torch/types.h>

#include <vector>

namespace unclip {

class NoiseSource {
 public:
  // One generator per image of the batch; `device` is where draws are sent.
  NoiseSource(const std::vector<uint64_t>& seeds, torch::Device device);

  // Standard normal [B, shape...], float32.
  torch::Tensor normal(at::IntArrayRef shape);

  // Draws for some of the images alone, on from where their generators stand; these stand further then.
  NoiseSource subset(const std::vector<int64_t>& images) const;

  // Draws for every image `count` times, [count·B, shape...]: first its own, on from where its generator
  // stands, which stands further then; after these, `count` − 1 times, others that are made up from the same
  // seeds.
  NoiseSource with_variants(int64_t count) const;

  int64_t batch_size() const { return static_cast<int64_t>(generators_.size()); }

 private:
  std::vector<at::Generator> generators_;
  torch::Device device_;
};

}  // namespace unclip
